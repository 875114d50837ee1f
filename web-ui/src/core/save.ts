// A text as a file of this computer.

export function save(name: string, text: string, kind = 'text/plain'): void {
  const address = URL.createObjectURL(new Blob([text], { type: kind }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken it up when this runs.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
