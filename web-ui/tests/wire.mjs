// A wire to the daemon that can be cut: both ends think that they are connected, and nothing comes through.
import { connect, createServer } from 'node:net';

export async function wire(to) {
  const { hostname, port } = new URL(to);
  const ends = new Set();
  let whole = true;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [end, other] of [
      [near, far],
      [far, near],
    ]) {
      ends.add(end);
      end.on('data', (bytes) => other.write(bytes));
      end.on('end', () => other.end());
      end.on('error', () => other.destroy());
      end.on('close', () => ends.delete(end));
      if (!whole) end.pause();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut: () => {
      whole = false;
      for (const end of ends) end.pause();
    },
    mend: () => {
      whole = true;
      for (const end of ends) end.resume();
    },
    /** What is connected is no more; who comes again is let through. */
    tear: () => {
      for (const end of ends) end.destroy();
    },
    close: () => {
      server.close();
      for (const end of ends) end.destroy();
    },
  };
}
