// Shows the parts as a tree: a row opens to what is inside it. Runs again whenever the data changes;
// what a person has opened stays open, by what it is.
const opened = new WeakMap();

export default function ({ data, parentElement }) {
  const find = (kind) => parentElement.querySelector(`.${kind}`);
  const [parts, rows] = [find("parts"), find("rows")];
  const open = opened.get(parentElement) ?? new Set();
  opened.set(parentElement, open);
  const say = (text, values) => (data.words[text] ?? text).replace(/\{(\w+)\}/g, (_, name) => values[name]);
  rows.setAttribute("aria-label", say("Parts of the networks, beside each other"));
  parts.style.setProperty("--networks", Object.keys(data.networks).length);
  const fit = () => {
    // A name, a word, and a column for each network and each change.
    const needed = 300 + 108 * Object.keys(data.networks).length + 104 * data.changes.length;
    rows.classList.toggle("narrow", parts.clientWidth < needed);
    rows.classList.toggle("phone", parts.clientWidth < 600);
    rows.classList.toggle("many", data.changes.length > 1);
  };

  const make = (tag, kind, parent, words) => {
    const made = document.createElement(tag);
    made.className = kind;
    if (words !== undefined) made.textContent = words;
    parent?.append(made);
    return made;
  };
  const cell = (row, kind, words) => {
    const made = make("span", kind, row, words);
    made.setAttribute("role", "gridcell");
    return made;
  };

  const header = () => {
    const row = make("div", "row head", null);
    row.setAttribute("role", "row");
    cell(row, "part", say("Part"));
    cell(row, "status", "");
    for (const [letter, network] of Object.entries(data.networks)) {
      make("span", "name", cell(row, "figure", letter), ` · ${network}`);
    }
    for (const change of data.changes) cell(row, "figure", change);
    return row;
  };

  const line = (part, key, level) => {
    const row = make("div", `row ${part.level} ${part.status}`, null);
    row.setAttribute("role", "row");
    row.setAttribute("aria-level", level);
    const name = cell(row, "part");
    let button;
    if (part.inside.length) {
      button = make("button", "", name);
      button.type = "button";
      button.setAttribute("aria-label", say("Open or close {path}", { path: part.paths[0] }));
    } else {
      make("span", "none", name);
    }
    const words = make("span", "", name, part.paths[0]);
    for (const other of part.paths.slice(1)) make("small", "", words, other);
    cell(row, "status", part.says);
    for (const [at, value] of part.values.entries()) {
      const figure = cell(row, "figure", value);
      figure.title = part.exact[at];
      if (part.shapes[at]) make("small", "", figure, part.shapes[at]);
      if (part.bars[at]) make("i", "bar", figure).style.width = `${part.bars[at]}%`;
    }
    for (const change of part.changes) cell(row, "figure", change);
    for (const why of part.reasons) make("div", "why", row, why);
    return [row, button];
  };

  const show = (part, parent, above, level) => {
    const key = `${above}/${part.paths.join("|")}`;
    const [row, button] = line(part, key, level);
    parent.append(row);
    if (!button) return;
    const inside = make("div", "inside", parent);
    const turn = () => {
      const shown = open.has(key);
      button.textContent = shown ? "−" : "+";
      button.setAttribute("aria-expanded", shown);
      row.setAttribute("aria-expanded", shown);
      inside.hidden = !shown;
      if (shown && !inside.childElementCount) {
        for (const inner of part.inside) show(inner, inside, key, level + 1);
      }
    };
    button.onclick = () => {
      if (!open.delete(key)) open.add(key);
      turn();
    };
    turn();
  };

  const focused = parts.getRootNode().activeElement?.getAttribute("aria-label");
  const [left, top] = [parts.scrollLeft, parts.scrollTop];
  rows.replaceChildren(header());
  for (const part of data.parts) show(part, rows, "", 1);
  fit();
  parts.scrollTo(left, top);
  if (focused) parts.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();

  const observer = new ResizeObserver(fit);
  observer.observe(parts);
  return () => observer.disconnect();
}
