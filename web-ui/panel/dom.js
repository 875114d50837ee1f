// Building and updating the page. Text is only ever text: names come from configuration and the network.

/** An element; `about` sets attributes, `on…` listeners. */
export function el(tag, about = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** Writes only what differs, so that selection, focus and screen readers are left in peace. */
export function put(node, text) {
  const wanted = text == null ? '' : String(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** Sets class `kind` as the only one of its `family`. */
export function kind(node, family, word) {
  const wanted = `${family}-${word}`;
  for (const name of [...node.classList]) {
    if (name.startsWith(`${family}-`) && name !== wanted) node.classList.remove(name);
  }
  node.classList.add(wanted);
}

/** Makes the rows of `body` those of `items`: each item is a list of cells, a cell a text or [text, class]. */
export function rows(body, items) {
  while (body.rows.length > items.length) body.deleteRow(-1);
  items.forEach((cells, index) => {
    const row = body.rows[index] ?? body.insertRow();
    while (row.cells.length > cells.length) row.deleteCell(-1);
    cells.forEach((cell, column) => {
      const node = row.cells[column] ?? row.insertCell();
      const [text, name] = Array.isArray(cell) ? cell : [cell, ''];
      put(node, text);
      if (node.className !== name) node.className = name;
    });
  });
}
