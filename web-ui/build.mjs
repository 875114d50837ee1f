// Bundles the panel into dist/, or with --units what the tests without a browser import into build/units/. Fixed names:
// the daemon serves them with an entity tag and `no-cache`, so a panel of yesterday never drives the daemon of today.
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const here = new URL('.', import.meta.url).pathname;
const at = (path) => `${here}${path}`;

const common = {
  bundle: true,
  target: ['es2022'],
  format: 'esm',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  logLevel: 'warning',
  absWorkingDir: here,
};

/** The licences of what is bundled go with it. */
async function notice() {
  const parts = ['Bundled into this panel:'];
  for (const name of ['preact', '@preact/signals', '@preact/signals-core', 'uplot']) {
    const about = JSON.parse(await readFile(at(`node_modules/${name}/package.json`), 'utf8'));
    const text = await readFile(at(`node_modules/${name}/LICENSE`), 'utf8');
    parts.push(`${name} ${about.version}\n\n${text.trim()}`);
  }
  const vendored = await Promise.all(
    ['NOTICE', 'LICENSE'].map((name) => readFile(at(`player/vendor/${name}`), 'utf8')),
  );
  parts.push(`${vendored.join('\n').trim()}`);
  return `${parts.join('\n\n----\n\n')}\n`;
}

async function panel() {
  const out = at('dist');
  await mkdir(out, { recursive: true });
  for (const old of await readdir(out)) {
    if (old !== '.gitignore') await rm(`${out}/${old}`, { recursive: true });
  }
  await build({
    ...common,
    entryPoints: { panel: at('src/main.tsx'), style: at('src/style/panel.css') },
    outdir: out,
    minify: true,
    legalComments: 'none',
  });
  // Fetched only when there is a chart.
  await cp(at('node_modules/uplot/dist/uPlot.iife.min.js'), `${out}/uplot.js`);
  // Fetched only when somebody plays a recording: it is the player page's, as it was published.
  await cp(at('player/vendor/hls.min.js'), `${out}/hls.js`);
  await writeFile(`${out}/NOTICE.txt`, await notice());
  // Last: a bundle is there when its page is.
  await cp(at('src/index.html'), `${out}/index.html`);
}

async function units() {
  await build({ ...common, entryPoints: [at('src/units.ts')], outdir: at('build/units'), platform: 'node' });
}

await (process.argv.includes('--units') ? units() : panel());
