// Shows the SVG: moves its viewBox, marks its nodes, tells of what is chosen, and reports what is
// clicked. Runs again whenever the data changes; what a person sees in between stays where it is.
const views = new WeakMap();
const SVG = "http://www.w3.org/2000/svg";
// How much of the right side the map of a high drawing covers.
const MAP = 44;
// Of a phone's window, the width at most.
const PHONE = 640;
// How high it may be, whatever the window: there the page is scrolled.
const HIGHEST = 900;

export default function ({ data, parentElement, setTriggerValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const [graph, canvas, minimap, aside] = [".graph", ".canvas", ".minimap", ".details"].map(find);
  const view = views.get(parentElement) ?? { svg: null, box: null, moved: false, active: null, mapped: true, picked: "", answered: "" };
  views.set(parentElement, view);
  if (data.upright?.high < HIGHEST && canvas.clientWidth < data.upright.below) data = { ...data, svg: data.upright.svg };

  // A text in the language of the page, with values in their places.
  const say = (text, values) => (data.words[text] ?? text).replace(/\{(\w+)\}/g, (_, name) => values[name]);
  // What stands in the page itself, as it was at first: English.
  view.texts ??= [...graph.querySelectorAll("input, button, [role], .keys, aside")].flatMap((element) => [
    ...["title", "aria-label", "placeholder"].filter((name) => element.hasAttribute(name)).map((name) => [element.getAttribute(name), (text) => element.setAttribute(name, text)]),
    ...(element.matches("button, .keys") ? [[element.textContent, (text) => { element.textContent = text; }]] : []),
  ]);
  for (const [text, put] of view.texts) put(say(text));

  const make = (tag, attributes, parent, words) => {
    const made = tag === "rect" || tag === "path" ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (words !== undefined) made.textContent = words;
    parent?.append(made);
    return made;
  };
  for (const name of ["open", "close"]) find(`[data-do=${name}]`).hidden = !!data.closed;
  graph.classList.toggle("small", !!data.small);
  const element = (id) => canvas.querySelector(`#${CSS.escape(id)}`);
  const place = (id) => element(id)?.getBoundingClientRect();
  const told = (id) => data.nodes[id] ?? data.frames[id];
  const full = () => document.fullscreenElement === graph.getRootNode().host || graph.matches(":fullscreen") || graph.classList.contains("full");

  // What part of the drawing is seen

  const draw = () => {
    view.drawing.setAttribute("viewBox", view.box.join(" "));
    const [left, top, width, height] = view.whole;
    const all = view.box[2] >= width - 1 && view.box[3] >= height - 1;
    minimap.classList.toggle("away", all || !view.mapped);
    find("[data-do=map]").hidden = all;
    const seen = minimap.querySelector(".seen");
    if (!seen) return;
    const names = ["x", "y", "width", "height"];
    const [x, y] = [Math.max(view.box[0], left), Math.max(view.box[1], top)];
    const right = Math.min(view.box[0] + view.box[2], left + width);
    const bottom = Math.min(view.box[1] + view.box[3], top + height);
    [x, y, Math.max(right - x, 1), Math.max(bottom - y, 1)].forEach((value, at) => seen.setAttribute(names[at], value));
  };
  // Units of the drawing in a pixel of the screen; the drawing is centred in its frame.
  const unit = () => Math.max(view.box[2] / canvas.clientWidth, view.box[3] / canvas.clientHeight);

  // How many times wider than its frame a drawing may be and is made as wide as that: within a text
  // the whole says more than a part in larger letters, which two fingers or a full screen bring.
  const narrowed = () => {
    const phone = window.innerWidth < PHONE;
    if (data.small) return phone ? 1.85 : 1.4;
    return phone ? 1.5 : data.closed ? 1.2 : 1;
  };
  const size = () => {
    // As high as the drawing needs at its own size: its letters have 11 pixels. Within a text one
    // that is made narrower is less high.
    const least = data.small ? 60 : 320;
    const over = data.small ? view.whole[2] / canvas.clientWidth : 1;
    const drawn = view.whole[3] / (over <= narrowed() ? Math.max(over, 1) : 1);
    const most = Math.max(window.innerHeight * 0.7, data.small ? HIGHEST : least);
    const high = Math.min(Math.max(drawn + 4, least), most);
    canvas.style.height = `${high}px`;
  };
  const fit = () => {
    // As large as the frame allows, but not far over its own size.
    const [left, top, wide, high] = view.whole;
    const width = Math.max(wide, canvas.clientWidth / 1.2);
    const height = Math.max(high, canvas.clientHeight / 1.2);
    view.box = [left - (width - wide) / 2, top - (height - high) / 2, width, height];
    view.moved = false;
    view.frame = [canvas.clientWidth, canvas.clientHeight];
    draw();
  };
  const start = () => {
    // Whole where its letters can be read so, else its beginning at its own size, or as wide as the
    // frame where that is not much narrower. At its end: so much of it as its widest open part needs.
    fit();
    const [left, top, wide, high] = view.whole;
    const most = narrowed();
    graph.classList.toggle("shrunk", unit() > 1.2);
    if (unit() <= (data.small ? most : 1)) return;
    const frame = canvas.getBoundingClientRect();
    const open = [...view.drawing.querySelectorAll(".frame .body")].map((body) => Number(body.getAttribute("width")));
    const room = data.at_end && open.length ? Math.max(...open) + 30 : wide + (data.small ? 0 : MAP);
    const scale = room > frame.width && room < most * frame.width ? room / frame.width : 1;
    const [width, height] = [Math.floor(frame.width * scale), Math.floor(frame.height * scale)];
    const slack = Math.max(width - wide, 0);
    // A drawing that begins beside that is shown where it begins.
    const [, begins = left] = /translate\(([-.\d]+)/.exec(view.drawing.querySelector(".node")?.getAttribute("transform")) ?? [];
    view.box = [begins > left + 0.8 * width ? Math.min(begins - width / 2, left + wide - width) : left - Math.min(slack / 2, Math.max(slack - MAP, 0)),
      high < height ? top - (height - high) / 2 : top, width, height];
    if (data.at_end) {
      view.box[0] = Math.max(view.box[0], left + wide - width);
      view.box[1] = Math.max(view.box[1], top + high - height);
    }
    draw();
  };
  const keep = () => {
    // Another frame: what is seen stays as large, with the same corner.
    const now = [canvas.clientWidth, canvas.clientHeight];
    const [wide, high] = view.frame;
    const scale = Math.max(view.box[2] / wide, view.box[3] / high);
    view.box = [view.box[0] + (view.box[2] - wide * scale) / 2, view.box[1] + (view.box[3] - high * scale) / 2,
      now[0] * scale, now[1] * scale];
    view.frame = now;
    draw();
  };
  const resized = () => {
    if (!view.box || !canvas.clientWidth) return;
    size();
    if (String([canvas.clientWidth, canvas.clientHeight]) === String(view.frame)) return;
    if (!view.frame[0] || (!view.moved && aside.hidden)) start();
    else keep();
  };
  view.resized = resized;
  view.observer ??= new ResizeObserver(() => view.resized());
  view.observer.observe(canvas);
  const zoom = (factor, x = 0.5, y = 0.5) => {
    const [left, top, width, height] = view.box;
    const by = Math.min(Math.max(factor, 150 / width), (4 * Math.max(...view.whole.slice(2))) / width);
    view.box = [left + x * width * (1 - by), top + y * height * (1 - by), width * by, height * by];
    view.moved = true;
    draw();
  };
  const move = (dx, dy) => {
    view.box[0] -= dx * unit();
    view.box[1] -= dy * unit();
    view.moved = true;
    draw();
  };
  const goTo = (id) => {
    // In the middle of the frame, large enough to be read.
    const scale = Math.min(unit(), 1);
    view.box = [view.box[0], view.box[1], canvas.clientWidth * scale, canvas.clientHeight * scale];
    draw();
    const [frame, spot] = [canvas.getBoundingClientRect(), place(id)];
    if (!spot) return;
    move(frame.left + frame.width / 2 - spot.left - spot.width / 2,
      frame.top + frame.height / 2 - spot.top - Math.min(spot.height, frame.height - 20) / 2);
  };
  const reveal = (id) => {
    // Into sight by the shortest way, where it is not; the minimap makes room for it.
    const [frame, spot] = [canvas.getBoundingClientRect(), place(id)];
    if (!spot) return;
    const way = (low, high, from, to) => (low < from && high <= to ? Math.min(from - low, to - high)
      : high > to && low >= from ? Math.max(to - high, from - low) : 0);
    view.box[0] -= way(spot.left, spot.right, frame.left + 12, frame.right - 12) * unit();
    view.box[1] -= way(spot.top, spot.bottom, frame.top + 12, frame.bottom - 12) * unit();
    draw();
    minimap.classList.remove("left");
    const [map, now] = [minimap.getBoundingClientRect(), place(id)];
    minimap.classList.toggle("left", map.left < now.right && map.top < now.bottom && now.left < map.right && now.top < map.bottom);
  };
  const drawMap = () => {
    // Frames and nodes as plain rectangles, read from the drawing's attributes.
    const [left, top, width, height] = view.whole;
    minimap.setAttribute("viewBox", `${left} ${top} ${width} ${height}`);
    const scale = Math.min(170 / width, 110 / height);
    minimap.style.width = `${width * scale}px`;
    minimap.style.height = `${height * scale}px`;
    const outline = (selector) => [...view.drawing.querySelectorAll(selector)].map((group) => {
      const [x, y] = group.getAttribute("transform").match(/-?[\d.]+/g);
      const body = group.querySelector(".body");
      return body.tagName === "rect" ? `M${x},${y}h${body.getAttribute("width")}v${body.getAttribute("height")}h-${body.getAttribute("width")}z` : "";
    }).join("");
    minimap.replaceChildren();
    make("path", { class: "frames", d: outline(".frame") }, minimap);
    make("path", { class: "nodes", d: outline(".node") }, minimap);
    make("rect", { class: "seen", "vector-effect": "non-scaling-stroke" }, minimap);
  };
  minimap.onpointerdown = minimap.onpointermove = (event) => {
    if (event.buttons !== 1) return;
    const frame = minimap.getBoundingClientRect();
    const [left, top, width, height] = view.whole;
    view.box[0] = left + ((event.clientX - frame.left) / frame.width) * width - view.box[2] / 2;
    view.box[1] = top + ((event.clientY - frame.top) / frame.height) * height - view.box[3] / 2;
    view.moved = true;
    draw();
    event.preventDefault();
  };

  // What is open, and what is chosen

  const toggle = (id) => {
    view.anchor = id;
    setTriggerValue("toggled", id);
  };
  const mark = () => {
    for (const [id, node] of Object.entries(data.nodes)) element(id)?.classList.toggle("chosen", node.chosen);
    for (const [id, frame] of Object.entries(data.frames)) element(id)?.classList.toggle("chosen", !!data.picked && frame.rows === data.picked);
  };
  const pick = (id) => {
    const node = told(id);
    if (!node?.rows) return;
    if (node.rows === view.picked) leave();
    else {
      view.picked = node.rows;
      for (const other of canvas.querySelectorAll(".chosen")) other.classList.remove("chosen");
      element(id).classList.add("chosen");
      // At once what is known here; the figures and formulas follow.
      tell({ title: element(id).querySelector("text")?.textContent ?? id, path: "", about: node.tip, rows: [] });
      if (id in data.nodes) reveal(id);
      setTriggerValue("picked", node.rows);
    }
  };
  const leave = () => {
    view.picked = "";
    for (const other of canvas.querySelectorAll(".chosen")) other.classList.remove("chosen");
    tell(null);
    setTriggerValue("picked", "");
  };
  const tell = (details) => {
    const before = aside.hidden;
    aside.hidden = !details;
    aside.replaceChildren();
    if (before !== aside.hidden && view.drawing) resized();
    if (!details) return;
    const head = make("div", { class: "head" }, aside);
    make("strong", {}, head, details.title);
    make("button", { type: "button", "aria-label": say("Close"), title: say("Close: Escape") }, head, "×").onclick = () => {
      leave();
      canvas.focus({ preventScroll: true });
    };
    if (details.path) make("div", { class: "path" }, aside, details.path);
    make("p", {}, aside, details.about);
    if (details.change) make("p", { class: "change" }, aside, say("Against the preset: {change}", { change: details.change.split("\n").reduce((before, word) => say("{before}, {word}", { before, word })) }));
    for (const row of details.rows) {
      const part = make("div", { class: "figure" }, aside);
      make("span", { class: "name" }, part, row.name);
      make("span", { class: "value" }, part, row.value);
      if (row.share) make("small", { class: "share" }, part, row.share);
      for (const line of row.how) make("code", {}, part, line);
      if (row.notes) make("small", {}, part, row.notes);
    }
    if (details.rows.length && data.derivation) {
      const ways = make("div", { class: "ways" }, aside);
      const way = (words, target) => {
        make("a", { href: "#layers" }, ways, words).onclick = (event) => {
          event.preventDefault();
          if (full()) fill();
          document.querySelector(target)?.scrollIntoView({ block: "start" });
        };
      };
      way(say("Row in the table"), "#layers");
      way(say("How its figures come about"), data.derivation);
      if (data.lesson) make("a", { href: data.lesson.address, target: "_blank" }, ways, data.lesson.words);
    }
  };
  // What the page says is chosen: where that is an answer to what was picked here, or is news.
  const news = data.picked !== view.answered && data.picked !== view.picked;
  if (news || data.picked === view.picked) {
    view.picked = data.picked;
    tell(data.details);
  }
  view.answered = data.picked;

  if (view.svg !== data.svg) {
    const before = view.anchor && place(view.anchor);
    const focused = canvas.contains(canvas.getRootNode().activeElement);
    const parsed = document.createElement("template");
    parsed.innerHTML = data.svg.slice(data.svg.indexOf("<svg"));
    const drawing = parsed.content.firstElementChild;
    Object.assign(view, { svg: data.svg, drawing,
      whole: drawing.getAttribute("viewBox").split(/\s+/).map(Number) });
    drawMap();
    size();
    // Before it stands in the page: another viewBox there lays out every text anew.
    if (before || (view.moved && view.box)) keep();
    else start();
    canvas.replaceChildren(drawing);
    // What was opened or closed stays where it was, and as large.
    const after = view.anchor && place(view.anchor);
    if (before && after) move(before.left - after.left, before.top - after.top);
    view.anchor = null;
    for (const [id, entry] of [...Object.entries(data.nodes), ...Object.entries(data.frames)]) {
      const group = element(id);
      if (!group) continue;
      const figures = [...group.querySelectorAll("text")].map((text) => text.textContent).join(", ");
      group.setAttribute("role", "button");
      group.setAttribute("tabindex", "-1");
      group.setAttribute("aria-label", figures);
      if (entry.opens) group.setAttribute("aria-expanded", id in data.frames && !entry.example);
      group.querySelector("title").textContent = entry.value ? say("{tip}, {value}", entry) : entry.tip;
    }
    for (const button of view.drawing.querySelectorAll(".toggle")) {
      const id = button.dataset.toggle;
      const words = !(id in data.frames) ? say("Open") : data.frames[id].example ? say("Show all that are alike") : say("Close");
      button.setAttribute("role", "button");
      button.setAttribute("aria-label", words);
      const title = document.createElementNS(SVG, "title");
      title.textContent = words;
      button.prepend(title);
    }
    // The keyboard stays in the graph: where a node has been opened, at its first part.
    if (focused && view.active) {
      const ids = Object.keys(data.nodes);
      if (!data.nodes[view.active]) view.active = ids[Math.min(view.at, ids.length - 1)];
      element(view.active)?.focus({ preventScroll: true });
    }
  }

  const order = Object.keys(data.nodes);
  if (data.picked === view.picked) mark();
  if (news && data.picked) reveal(order.find((id) => data.nodes[id].chosen));

  // What the colours and lines stand for

  const legend = find(".legend");
  legend.replaceChildren();
  if (data.legend.kinds) {
    // A closed block shows where its ways meet, and is no merge itself.
    const merges = data.legend.kinds.includes("merge") || !view.drawing.querySelector(".join, .joins") ? [] : ["merge"];
    for (const kind of [...data.legend.kinds, ...merges]) make("span", { class: `entry kind-${kind.replaceAll(" ", "-")}` }, legend, kind === "block" ? say("several operations") : say(kind));
  } else {
    make("span", {}, legend, say("{title}: 0", data.legend));
    make("span", { class: "scale" }, legend);
    const top = make("button", { type: "button", title: say("Go to the node with the most") }, legend, data.legend.top);
    top.disabled = !data.legend.largest;
    top.onclick = () => { goTo(data.legend.largest); pick(data.legend.largest); };
  }
  const drawn = [
    ["line-flow", ".line.flow", say("data")],
    ["line-shortcut", ".line.shortcut, path.past", say("shortcut")],
    ["line-gate", ".line.gate", say("gate")],
    ["line-auxiliary", ".line.auxiliary", say("in training only")],
    ["stack", ".behind", say("×N: N alike, one after the other")],
    ["change", ".node.changed, text.change", say("change against the preset")],
  ];
  for (const [name, where, means] of drawn) {
    if (view.drawing.querySelector(where)) make("span", { class: `entry ${name}` }, legend, means);
  }
  if (view.drawing.querySelector(".node.failed")) make("span", { class: "entry failed" }, legend, say("cannot run"));

  // Finding

  const input = find("input");
  const search = (next) => {
    const words = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const hits = words.length ? order.filter((id) => words.every((word) => data.nodes[id].find.includes(word))) : [];
    view.hit = next && hits.length ? (((view.hit ?? -1) + next + hits.length) % hits.length) : null;
    canvas.classList.toggle("searching", words.length > 0);
    for (const id of order) element(id)?.classList.toggle("hit", hits.includes(id));
    find(".hits").textContent = !words.length ? "" : !hits.length ? say("none")
      : view.hit === null ? `${hits.length}` : say("{at} of {count}", { at: view.hit + 1, count: hits.length });
    if (view.hit !== null) goTo(hits[view.hit]);
  };
  search(0);
  input.oninput = () => { view.hit = null; search(0); };
  input.onkeydown = (event) => {
    if (event.key === "Enter") search(event.shiftKey ? -1 : 1);
    if (event.key === "Escape") { input.value = ""; search(0); }
    event.stopPropagation();
  };

  // Full screen: the browser's, or over all of the page where that is refused

  const filled = () => {
    canvas.classList.toggle("alone", full());
    resized();
  };
  const fill = async () => {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (graph.classList.contains("full")) graph.classList.remove("full");
    else {
      try { await graph.requestFullscreen(); } catch { graph.classList.add("full"); }
    }
    filled();
  };
  graph.onfullscreenchange = filled;
  graph.onkeydown = (event) => {
    if (event.key !== "Escape") return;
    if (graph.classList.contains("full")) {
      graph.classList.remove("full");
      filled();
    } else if (!aside.hidden) {
      leave();
      canvas.focus({ preventScroll: true });
    }
  };

  const map = () => { view.mapped = !view.mapped; draw(); };
  find(".tools").onclick = (event) => {
    const actions = {
      in: () => zoom(0.8), out: () => zoom(1.25), fit, full: fill, map,
      open: () => setTriggerValue("level", "layer"), close: () => setTriggerValue("level", "stage"),
    };
    actions[event.target.dataset.do]?.();
  };

  // Mouse and touch. One finger scrolls the page, but in full screen; two move and zoom.

  canvas.onwheel = (event) => {
    // The page keeps its wheel until somebody has clicked into the graph; with Ctrl the graph has it.
    if (!event.ctrlKey && !full() && !canvas.contains(canvas.getRootNode().activeElement)) return;
    event.preventDefault();
    const frame = canvas.getBoundingClientRect();
    zoom(event.deltaY > 0 ? 1.15 : 0.87, (event.clientX - frame.left) / frame.width,
      (event.clientY - frame.top) / frame.height);
  };
  let dragged = 0;
  canvas.onpointerdown = () => { dragged = 0; };
  canvas.onpointermove = (event) => {
    if (event.buttons !== 1 || event.pointerType === "touch") return;
    dragged += Math.abs(event.movementX) + Math.abs(event.movementY);
    if (dragged > 4) {
      canvas.setPointerCapture(event.pointerId);
      move(event.movementX, event.movementY);
    }
  };
  // Where the fingers are, and how far apart.
  const grip = (touches) => {
    const [one, other = one] = touches;
    return { x: (one.clientX + other.clientX) / 2, y: (one.clientY + other.clientY) / 2,
      apart: Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) };
  };
  canvas.ontouchstart = canvas.ontouchend = (event) => {
    view.grip = event.touches.length ? grip(event.touches) : null;
  };
  canvas.ontouchmove = (event) => {
    if (event.touches.length < 2 && !canvas.classList.contains("alone")) return;
    event.preventDefault();
    const [before, now] = [view.grip, grip(event.touches)];
    view.grip = now;
    move(now.x - before.x, now.y - before.y);
    const frame = canvas.getBoundingClientRect();
    if (before.apart && now.apart) zoom(before.apart / now.apart, (now.x - frame.left) / frame.width, (now.y - frame.top) / frame.height);
  };
  canvas.onclick = (event) => {
    event.preventDefault();
    if (dragged > 4) return;
    const button = event.target.closest(".toggle");
    const node = event.target.closest(".node, .frame");
    if (button) toggle(button.dataset.toggle);
    else if (node && told(node.id)) { if (node.id in data.nodes) activate(node.id); pick(node.id); }
    else canvas.focus({ preventScroll: true });
  };
  canvas.ondblclick = (event) => {
    const node = event.target.closest(".node");
    if (node && data.nodes[node.id]?.opens && !event.target.closest(".toggle")) toggle(node.id);
  };

  const activate = (id) => {
    Object.assign(view, { active: id, at: order.indexOf(id) });
    element(id)?.focus({ preventScroll: true });
  };
  canvas.onkeydown = (event) => {
    const step = (by) => {
      const at = order.indexOf(view.active);
      const id = order[Math.min(Math.max(at + by, 0), order.length - 1)];
      activate(id);
      goTo(id);
    };
    const [far, active] = [event.shiftKey, view.active];
    const open = () => active && data.nodes[active]?.opens && toggle(active);
    const keys = {
      "+": () => zoom(0.8), "=": () => zoom(0.8), "-": () => zoom(1.25), 0: fit,
      ArrowLeft: () => (far ? move(40, 0) : step(-1)), ArrowRight: () => (far ? move(-40, 0) : step(1)),
      ArrowUp: () => (far ? move(0, 40) : step(-1)), ArrowDown: () => (far ? move(0, -40) : step(1)),
      Enter: () => active && pick(active),
      " ": () => active && (data.nodes[active]?.opens ? toggle(active) : pick(active)),
      o: open,
      c: () => {
        const around = data.nodes[active]?.frame;
        if (around) { view.active = around; toggle(around); }
      },
      m: map,
      "/": () => input.focus(),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  };
}
