// Shows the SVG: moves its viewBox, colours and marks its nodes, and reports what is clicked.
// Runs again whenever the data changes; what a person sees in between stays where it is.
const views = new WeakMap();
const SVG = "http://www.w3.org/2000/svg";

export default function ({ data, parentElement, setTriggerValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const canvas = find(".canvas");
  const view = views.get(parentElement) ?? { svg: null, box: null, moved: false, active: null };
  views.set(parentElement, view);

  const element = (id) => canvas.querySelector(`#${CSS.escape(id)}`);
  const place = (id) => element(id)?.getBoundingClientRect();
  const draw = () => view.drawing.setAttribute("viewBox", view.box.join(" "));
  // Units of the drawing in a pixel of the screen; the drawing is centred in its frame.
  const unit = () => Math.max(view.box[2] / canvas.clientWidth, view.box[3] / canvas.clientHeight);

  const heightOf = () => {
    // As high as the drawing needs, where it is whole at its own size.
    const [, , , high] = view.whole;
    canvas.style.height = `${Math.min(Math.max(high + 8, 320), Math.max(window.innerHeight * 0.7, 320))}px`;
  };
  const fit = () => {
    // As large as the frame allows, but not far over its own size.
    const [left, top, wide, high] = view.whole;
    const width = Math.max(wide, canvas.clientWidth / 1.3);
    const height = Math.max(high, canvas.clientHeight / 1.3);
    view.box = [left - (width - wide) / 2, top - (height - high) / 2, width, height];
    view.moved = false;
    draw();
  };
  const start = () => {
    // Whole where its letters can be read so, else its beginning at its own size.
    heightOf();
    fit();
    if (unit() <= 1) return;
    const [left, top, wide, high] = view.whole;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    view.box = [wide < width ? left - (width - wide) / 2 : left,
      high < height ? top - (height - high) / 2 : top, width, height];
    draw();
  };
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
    const scale = Math.min(unit(), 1 / 1.1);
    view.box = [view.box[0], view.box[1], canvas.clientWidth * scale, canvas.clientHeight * scale];
    draw();
    const [frame, spot] = [canvas.getBoundingClientRect(), place(id)];
    if (!spot) return;
    move(frame.left + frame.width / 2 - spot.left - spot.width / 2,
      frame.top + frame.height / 2 - spot.top - Math.min(spot.height, frame.height - 20) / 2);
  };

  const toggle = (id) => {
    view.anchor = id;
    setTriggerValue("toggled", id);
  };
  const pick = (id) => {
    const node = data.nodes[id];
    if (!node?.rows) return;
    const chosen = Object.values(data.nodes).filter((other) => other.chosen);
    const again = chosen.length === 1 && node.chosen;
    for (const other of Object.keys(data.nodes)) {
      element(other)?.classList.toggle("chosen", !again && other === id);
    }
    setTriggerValue("picked", again ? "" : node.rows);
  };

  if (view.svg !== data.svg) {
    const before = view.anchor && place(view.anchor);
    const focused = canvas.contains(canvas.getRootNode().activeElement);
    const parsed = document.createElement("template");
    parsed.innerHTML = data.svg.slice(data.svg.indexOf("<svg"));
    const drawing = parsed.content.firstElementChild;
    drawing.removeAttribute("width");
    drawing.removeAttribute("height");
    Object.assign(view, { svg: data.svg, drawing,
      whole: drawing.getAttribute("viewBox").split(/\s+/).map(Number) });
    // Before it stands in the page: another viewBox there lays out every text anew.
    if (before || (view.moved && view.box)) draw();
    else start();
    canvas.replaceChildren(drawing);
    // What was opened or closed stays where it was, and as large.
    const after = view.anchor && place(view.anchor);
    if (before && after) move(before.left - after.left, before.top - after.top);
    view.anchor = null;
    for (const id of Object.keys(data.nodes)) {
      const group = element(id);
      if (!group) continue;
      group.setAttribute("role", "button");
      group.setAttribute("tabindex", "-1");
      group.setAttribute("aria-label", [...group.querySelectorAll("text")].map((t) => t.textContent).join(", "));
    }
    // The keyboard stays in the graph: where a node has been opened, at its first part.
    if (focused && view.active) {
      const ids = Object.keys(data.nodes);
      if (!data.nodes[view.active]) view.active = ids[Math.min(view.at, ids.length - 1)];
      element(view.active)?.focus({ preventScroll: true });
    }
  }

  const order = Object.keys(data.nodes);
  for (const [id, node] of Object.entries(data.nodes)) {
    const group = element(id);
    if (!group) continue;
    group.classList.toggle("chosen", node.chosen);
    const title = group.querySelector("title");
    title.textContent = node.value ? `${node.tip}\n${data.legend.title}: ${node.value}` : node.tip;
  }

  const legend = find(".legend");
  if (data.legend.kinds) {
    legend.replaceChildren(...data.legend.kinds.map((kind) => {
      const entry = document.createElement("span");
      entry.className = `entry kind-${kind.replaceAll(" ", "-")}`;
      entry.textContent = kind;
      return entry;
    }));
  } else {
    const title = document.createElement("span");
    title.textContent = `${data.legend.title}: 0`;
    const bar = document.createElement("span");
    bar.className = "scale";
    const top = document.createElement("button");
    top.type = "button";
    top.textContent = data.legend.top;
    top.title = "Go to the node with the most";
    top.disabled = !data.legend.largest;
    top.onclick = () => { goTo(data.legend.largest); pick(data.legend.largest); };
    legend.replaceChildren(title, bar, top);
  }

  const input = find("input");
  const search = (next) => {
    const words = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const hits = words.length ? order.filter((id) => words.every((word) => data.nodes[id].find.includes(word))) : [];
    view.hit = next && hits.length ? (((view.hit ?? -1) + next + hits.length) % hits.length) : null;
    canvas.classList.toggle("searching", words.length > 0);
    for (const id of order) element(id)?.classList.toggle("hit", hits.includes(id));
    find(".hits").textContent = !words.length ? "" : !hits.length ? "none"
      : view.hit === null ? `${hits.length}` : `${view.hit + 1} of ${hits.length}`;
    if (view.hit !== null) goTo(hits[view.hit]);
  };
  search(0);
  input.oninput = () => { view.hit = null; search(0); };
  input.onkeydown = (event) => {
    if (event.key === "Enter") search(event.shiftKey ? -1 : 1);
    if (event.key === "Escape") { input.value = ""; search(0); }
    event.stopPropagation();
  };

  find(".tools").onclick = (event) => {
    const actions = {
      in: () => zoom(0.8), out: () => zoom(1.25), fit,
      open: () => setTriggerValue("level", "layer"), close: () => setTriggerValue("level", "stage"),
    };
    actions[event.target.dataset.do]?.();
  };

  canvas.onwheel = (event) => {
    // The page keeps its wheel until somebody has clicked into the graph; with Ctrl the graph has it.
    if (!event.ctrlKey && !canvas.contains(canvas.getRootNode().activeElement)) return;
    event.preventDefault();
    const frame = canvas.getBoundingClientRect();
    zoom(event.deltaY > 0 ? 1.15 : 0.87, (event.clientX - frame.left) / frame.width,
      (event.clientY - frame.top) / frame.height);
  };
  let dragged = 0;
  canvas.onpointerdown = () => { dragged = 0; };
  canvas.onpointermove = (event) => {
    if (event.buttons !== 1) return;
    dragged += Math.abs(event.movementX) + Math.abs(event.movementY);
    if (dragged > 4) {
      canvas.setPointerCapture(event.pointerId);
      move(event.movementX, event.movementY);
    }
  };
  canvas.onclick = (event) => {
    event.preventDefault();
    if (dragged > 4) return;
    const button = event.target.closest(".toggle");
    const node = event.target.closest(".node");
    if (button) toggle(button.dataset.toggle);
    else if (node && data.nodes[node.id]) { activate(node.id); pick(node.id); }
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
    const keys = {
      "+": () => zoom(0.8), "=": () => zoom(0.8), "-": () => zoom(1.25), 0: fit,
      ArrowLeft: () => (far ? move(40, 0) : step(-1)), ArrowRight: () => (far ? move(-40, 0) : step(1)),
      ArrowUp: () => (far ? move(0, 40) : step(-1)), ArrowDown: () => (far ? move(0, -40) : step(1)),
      Enter: () => active && pick(active),
      " ": () => active && (data.nodes[active]?.opens ? toggle(active) : pick(active)),
      "/": () => input.focus(),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  };
}
