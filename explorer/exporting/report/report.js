// What a person turns in a report: the drawing, the table and the chosen layer. Without this script
// the page can be read and printed all the same.
const $ = (selector) => document.querySelector(selector);

const unpack = async (text) => {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
};

const make = (tag, kind, parent, words) => {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (words !== undefined) made.textContent = words;
  parent?.append(made);
  return made;
};

const data = await unpack($("#data").textContent);
// A text in the language of the page, with values in their places.
const say = (text, values) => (data.words[text] ?? text).replace(/\{(\w+)\}/g, (_, name) => values[name]);
document.documentElement.classList.add("is-live");
for (const part of document.querySelectorAll(".live, .search")) part.hidden = false;

// A component stands in a tree of its own, so that its look is its own too.
const component = (host, template) => {
  const root = $(host).attachShadow({ mode: "open" });
  root.append($(template).content.cloneNode(true));
  return root;
};

// "3,12-14" as 3, 12, 13, 14.
const indices = (rows) => (rows ? rows.split(",") : []).flatMap((part) => {
  const [first, last = first] = part.split("-").map(Number);
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
});

// Buttons of which one is pressed.
const pressed = (group, name, value) => {
  for (const button of document.querySelectorAll(`${group} [data-${name}]`)) {
    button.setAttribute("aria-pressed", button.dataset[name] === value);
  }
};

// A table that can be searched, sorted and chosen from

const count = (number) => number.toLocaleString("en");

const numberOf = (words) => {
  const number = Number(words.replaceAll(",", ""));
  return words === "" || Number.isNaN(number) ? null : number;
};

const table = (body, search, said, tell, names, choose) => {
  const rows = [...body.rows];
  const head = [...body.parentElement.tHead.rows[0].cells];
  const find = () => {
    const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, at) => {
      row.hidden = !words.every((word) => names[at].includes(word));
      shown += !row.hidden;
    });
    said.textContent = tell(shown, rows.length, words.length);
  };
  search.oninput = find;
  find();
  head.forEach((cell, column) => {
    const words = cell.textContent;
    cell.textContent = "";
    make("button", "", cell, words).onclick = () => {
      const before = cell.getAttribute("aria-sort");
      const down = before ? before === "ascending" : cell.classList.contains("number") && column > 0;
      for (const other of head) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keys = new Map(rows.map((row) => {
        const text = row.cells[column].textContent;
        return [row, cell.classList.contains("number") ? numberOf(text) : text];
      }));
      // What has no figure comes last, whichever way.
      const compare = (one, other) => {
        const [a, b] = [keys.get(one), keys.get(other)];
        if (a === null || b === null) return (a === null) - (b === null);
        const order = typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
        return down ? -order : order;
      };
      body.append(...[...rows].sort(compare));
    };
  });
  if (!choose) return;
  const number = new Map(rows.map((row, at) => [row, at]));
  body.onclick = (event) => {
    const row = event.target.closest("tr");
    if (!row || String(getSelection())) return;
    choose(String(number.get(row)));
    row.focus({ preventScroll: true });
  };
  body.onkeydown = (event) => {
    const row = event.target.closest("tr");
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (!row || !(step || event.key === "Enter")) return;
    event.preventDefault();
    let next = row;
    do next = step ? next?.[step] : next; while (step && next?.hidden);
    if (!next) return;
    choose(String(number.get(next)));
    next.focus();
  };
};

const markRows = (body, rows, chosen) => {
  const wanted = new Set(chosen);
  rows.forEach((row, at) => {
    row.classList.toggle("chosen", wanted.has(at));
    if (wanted.size && at === chosen[0]) row.tabIndex = 0;
    else row.removeAttribute("tabindex");
  });
};

// How figures come about

// floor(x) as ⌊x⌋, with its own bracket.
const rounded = (words) => {
  for (const [name, left, right] of [["floor(", "⌊", "⌋"], ["ceil(", "⌈", "⌉"]]) {
    for (let at = words.indexOf(name); at >= 0; at = words.indexOf(name)) {
      let end = at + name.length;
      for (let open = 1; open && end < words.length; end += 1) open += { "(": 1, ")": -1 }[words[end]] ?? 0;
      words = words.slice(0, at) + left + words.slice(at + name.length, end - 1) + right + words.slice(end);
    }
  }
  return words.replaceAll("-", "−");
};

// C_out as a C with its index; letters that stand alone are symbols.
const symbol = (plain, parent) => {
  const words = rounded(plain);
  let end = 0;
  for (const found of words.matchAll(/([A-Za-z]+)(?:_([A-Za-z0-9]+))?/g)) {
    const [all, base, index] = found;
    parent.append(words.slice(end, found.index));
    if (base.length === 1) make("i", "", parent, base);
    else parent.append(base);
    if (index) make("sub", "", parent, index);
    end = found.index + all.length;
  }
  parent.append(words.slice(end));
};

const tellSteps = (told, place) => {
  const steps = make("div", "steps", place);
  for (const row of told.rows) {
    const step = make("div", "", steps);
    const head = make("h4", "", step, `${row.name}: ${row.value}`);
    if (row.share) make("span", "share", head, ` · ${row.share}`);
    if (row.how.length) {
      const formula = make("div", "formula", step);
      for (const line of row.how) {
        const at = line.lastIndexOf(" = ");
        symbol(line.slice(0, at).trim(), make("span", "", formula));
        make("span", "", formula, "=");
        symbol(line.slice(at + 3), make("span", "", formula));
      }
    }
    if (row.notes) make("small", "", step, row.notes);
  }
  if (told.symbols?.length) {
    const list = make("ul", "symbols", place);
    for (const [name, value, meaning] of told.symbols) {
      const item = make("li", "", list);
      symbol(name, make("span", "", item));
      item.append(` = ${value.replaceAll("-", "−")}${meaning ? `: ${meaning}` : ""}`);
    }
  }
};

const beginNetwork = () => {
  const root = component("#drawing", "#canvas");
  const body = $(".rows tbody");
  const rows = [...body.rows];
  const state = { level: "block", toggled: [], picked: "", told: false, seen: false };
  const find = (level, toggled) => data.drawings.find((one) => one.level === level && String(one.toggled) === String(toggled));
  // What a button leads to: the same without the part, or the drawing in which it is opened last.
  const after = (id) => {
    const { level, toggled } = state;
    if (toggled.includes(id)) return find(level, toggled.slice(0, toggled.indexOf(id)));
    return [level, "block"].map((other) => data.drawings.find((one) => one.level === other && one.toggled.at(-1) === id)).find(Boolean);
  };
  for (const one of data.drawings) {
    for (const node of [...Object.values(one.nodes), ...Object.values(one.frames)]) {
      node.find = indices(node.rows).map((index) => data.names[index]).join(" ");
    }
  }

  const draw = () => {
    const shown = find(state.level, state.toggled);
    const chosen = indices(state.picked);
    const marked = new Set([...chosen, ...chosen.map((index) => shown.behind[index])]);
    const marks = (nodes) => Object.fromEntries(Object.entries(nodes).map(([id, node]) => [id, { ...node, chosen: indices(node.rows).some((index) => marked.has(index)) }]));
    showDrawing({
      data: { ...shown, nodes: marks(shown.nodes), frames: marks(shown.frames), picked: state.seen ? state.picked : "", details: state.told ? data.told[state.picked] : null, derivation: "#derivation" },
      parentElement: root, setTriggerValue: act,
    });
    for (const button of root.querySelectorAll(".toggle")) {
      if (!after(button.dataset.toggle)) button.remove();
    }
    pressed(".levels", "level", state.level);
  };
  const turn = (level, toggled) => {
    if (!find(level, toggled)) return;
    Object.assign(state, { level, toggled });
    draw();
  };
  const choose = (picked, { from = "" } = {}) => {
    // At the start the drawing shows its beginning, whichever layer is told of.
    Object.assign(state, { picked, told: from === "drawing", seen: state.seen || from !== "" });
    draw();
    tell();
    const chosen = indices(picked);
    markRows(body, rows, chosen);
    if (from) rows[chosen[0]]?.scrollIntoView({ block: "nearest", behavior: "instant", container: "nearest" });
  };
  const act = (name, value) => {
    if (name === "picked") choose(value, { from: value ? "drawing" : "" });
    else if (name === "level") turn(value, []);
    else {
      const next = after(value);
      if (next) turn(next.level, next.toggled);
    }
  };
  for (const button of document.querySelectorAll(".levels button")) {
    button.disabled = !find(button.dataset.level, []);
    button.onclick = () => turn(button.dataset.level, []);
  }

  const tell = () => {
    const [place, told] = [$("#derivation .told"), data.told[state.picked]];
    $("#derivation").hidden = !told;
    place.replaceChildren();
    if (!told) return;
    const chosen = indices(state.picked);
    const head = make("div", "head", place);
    make("h3", "", head, chosen.length === 1 ? say("Layer {index}: {path}", { index: chosen[0], path: told.path }) : say("{what}: {path}", { what: told.title, path: told.path }));
    if (chosen.length === 1) {
      const ways = make("span", "", head);
      for (const [words, by] of [[say("Previous"), -1], [say("Next"), 1]]) {
        const button = make("button", "", ways, words);
        button.disabled = !rows[chosen[0] + by];
        button.onclick = () => {
          choose(String(chosen[0] + by), { from: "derivation" });
          [...document.querySelectorAll(".told .head button")].find((other) => other.textContent === words)?.focus();
        };
        ways.append(" ");
      }
    }
    make("small", "", place, chosen.length === 1 ? say("{before}, {word}", { before: told.title, word: told.about }) : told.about);
    if (told.change) make("small", "change", place, say("Against the preset: {change}", { change: told.change.split("\n").reduce((before, word) => say("{before}, {word}", { before, word })) }));
    tellSteps(told, place);
  };

  table(body, $(".search input"), $(".search span"), (shown, all, asked) => (asked ? say("{shown} of {all} layers", { shown: count(shown), all: count(all) }) : say("{count} layers", { count: count(all) })), data.names, (index) => choose(index, { from: "table" }));
  if (!find("block", [])) {
    const first = data.drawings[0];
    if (!first) { document.documentElement.classList.remove("is-live"); $(".live").hidden = true; return; }
    state.level = first.level;
  }
  choose(data.first);
};

if (data.drawings) beginNetwork();

const beginComparison = () => {
  const [canvas, tree] = [component("#drawing", "#canvas"), component("#tree", "#aligned")];
  const state = { level: "block", arranged: data.beside[0].arranged, figure: "macs", picked: "" };
  const draw = () => {
    const shown = data.beside.find((one) => one.level === state.level && one.arranged === state.arranged);
    const nodes = Object.fromEntries(Object.entries(shown.nodes).map(([id, node]) => [id, { ...node, chosen: node.rows === state.picked && node.rows !== "" }]));
    showDrawing({
      data: { ...shown, nodes, picked: state.picked, details: shown.told[state.picked] ?? null, derivation: "" },
      parentElement: canvas,
      setTriggerValue: (name, value) => { if (name === "picked") turn("picked", value); },
    });
    for (const name of ["level", "arranged", "figure"]) pressed(".levels", name, state[name]);
  };
  const turn = (name, value) => {
    state[name] = value;
    draw();
    if (name === "figure") showParts({ data: data.parts[value], parentElement: tree });
  };
  for (const button of document.querySelectorAll(".levels button")) {
    const [[name, value]] = Object.entries(button.dataset);
    button.onclick = () => turn(name, value);
  }
  turn("figure", "macs");
};

if (data.beside) beginComparison();

if (data.sweep) {
  const body = $(".rows tbody");
  const names = [...body.rows].map((row) => [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase());
  table(body, $(".search input"), $(".search span"), (shown, all, asked) => (asked ? say("{shown} of {all} configs", { shown: count(shown), all: count(all) }) : say("{count} configs", { count: count(all) })), names);
}
