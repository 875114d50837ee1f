// Reads the multivariant playlist of a channel with hls-parser (strict) and prints its audio renditions as JSON.
import * as HLS from 'hls-parser';

const url = process.argv[2];
const answer = await fetch(url);
if (!answer.ok) {
  throw new Error(`${url}: ${answer.status}`);
}
HLS.setOptions({ strictMode: true });
const playlist = HLS.parse(await answer.text());
const renditions = new Map();
for (const variant of playlist.variants) {
  for (const audio of variant.audio) {
    renditions.set(audio.uri, {
      name: audio.name,
      language: audio.language ?? null,
      isDefault: audio.isDefault,
      channels: audio.channels,
      uri: audio.uri,
    });
  }
}
console.log(JSON.stringify([...renditions.values()]));
