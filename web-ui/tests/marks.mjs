// What a browser shows of the test source, whose picture says which one it is and when it was made (src/lineup/mark.rs).

/**
 * Runs in the page: reads the mark of each picture that the browser presents from now on, a picture that is shown twice once.
 * Fills `uplinkMarks`: of each picture its frame number and UTC in milliseconds (modulo 2^40), when it was presented, its media
 * time, and how many pictures were decoded by then; and how often playback waited or was put elsewhere.
 */
export function watchMarks() {
  const [columns, rows, across, down] = [28, 4, 30, 24];
  const video = document.querySelector('video');
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const marks = { pictures: [], unread: 0, waits: 0, seeks: 0 };
  globalThis.uplinkMarks = marks;
  video.addEventListener('waiting', () => {
    marks.waits += 1;
  });
  video.addEventListener('seeking', () => {
    marks.seeks += 1;
  });
  const edge = (index, side, units) => Math.floor(((index + 1) * side) / units);
  const middle = (start, end) => [start + Math.floor((end - start) / 4), end - Math.floor((end - start) / 4)];

  /** The mean of a cell, 0 to 255. */
  const cell = (data, width, height, row, column) => {
    const [top, bottom] = middle(edge(row, height, down), edge(row + 1, height, down));
    const [left, right] = middle(edge(column, width, across), edge(column + 1, width, across));
    let sum = 0;
    for (let y = top; y < bottom; y += 1) for (let x = left; x < right; x += 1) sum += data[(y * width + x) * 4 + 1];
    return sum / ((bottom - top) * (right - left));
  };

  /** Frame number and UTC; null where there is no mark. */
  const read = (data, width, height) => {
    let [magic, frame, utc] = [0, 0, 0];
    for (let bit = 0; bit < 88; bit += 1) {
      const mean = cell(data, width, height, Math.floor(bit / columns), bit % columns);
      if (Math.abs(mean - 128) < 37) return null;
      const value = mean > 128 ? 1 : 0;
      if (bit < 8) magic = magic * 2 + value;
      else if (bit < 48) frame = frame * 2 + value;
      else utc = utc * 2 + value;
    }
    return magic === 0xa6 ? { frame, utc } : null;
  };

  let last = -1;
  const presented = (_, { mediaTime: media }) => {
    const [width, height] = [video.videoWidth, video.videoHeight];
    const at = Date.now();
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const lines = edge(rows, height, down);
    context.drawImage(video, 0, 0);
    const mark = read(context.getImageData(0, 0, width, lines).data, width, height);
    const decoded = video.getVideoPlaybackQuality().totalVideoFrames;
    if (mark === null) marks.unread += 1;
    // A picture that is shown twice counts once: when it came.
    else if (mark.utc !== last) marks.pictures.push({ ...mark, at, media, decoded });
    last = mark?.utc ?? last;
    video.requestVideoFrameCallback(presented);
  };
  video.requestVideoFrameCallback(presented);
}
