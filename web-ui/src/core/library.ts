// What is larger than its use: fetched from this box when somebody needs it, and not before.

const loading = new Map<string, Promise<unknown>>();

/** The script `/assets/<file>`, which leaves what it is as the global `name`. */
export function library<T>(file: string, name: string): Promise<T> {
  const known = loading.get(file);
  if (known) return known as Promise<T>;
  const loaded = new Promise<T>((resolve, reject) => {
    const script = document.createElement('script');
    script.src = `/assets/${file}`;
    script.addEventListener('load', () => resolve((globalThis as unknown as Record<string, T>)[name] as T));
    script.addEventListener('error', () => {
      // The next one who needs it tries again.
      loading.delete(file);
      script.remove();
      reject(new Error(`${file} was not to be had from this box`));
    });
    document.head.append(script);
  });
  loading.set(file, loaded);
  return loaded;
}
