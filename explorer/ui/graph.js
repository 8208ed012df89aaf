// Shows the SVG and moves its viewBox. Runs again whenever the data or the theme changes.
const views = new WeakMap();

export default function ({ data, parentElement }) {
  const canvas = parentElement.querySelector(".canvas");
  const tools = parentElement.querySelector(".tools");
  const view = views.get(parentElement) ?? { svg: null, box: null, whole: null };
  views.set(parentElement, view);
  if (view.svg === data.svg) return;

  const parsed = new DOMParser().parseFromString(data.svg, "image/svg+xml").documentElement;
  const whole = parsed.getAttribute("viewBox").split(/\s+/).map(Number);
  // The same frame for a graph of the same size: nothing jumps while a knob turns.
  const kept = view.whole && whole.every((value, i) => value === view.whole[i]);
  parsed.removeAttribute("width");
  parsed.removeAttribute("height");
  canvas.replaceChildren(parsed);
  canvas.setAttribute("aria-label", data.alt);
  view.svg = data.svg;
  view.whole = whole;

  const draw = () => parsed.setAttribute("viewBox", view.box.join(" "));
  const fit = () => {
    // As large as the frame allows, but no larger than a fifth over its own size.
    const width = Math.max(whole[2], canvas.clientWidth / 1.2);
    const height = Math.max(whole[3], canvas.clientHeight / 1.2);
    view.box = [whole[0] - (width - whole[2]) / 2, whole[1] - (height - whole[3]) / 2, width, height];
    draw();
  };
  const zoom = (factor, x = 0.5, y = 0.5) => {
    const [left, top, width, height] = view.box;
    const by = Math.min(Math.max(factor, (0.05 * whole[2]) / width), (4 * whole[2]) / width);
    view.box = [left + x * width * (1 - by), top + y * height * (1 - by), width * by, height * by];
    draw();
  };
  // Pixels of the screen to units of the drawing; the drawing is centred in the frame.
  const unit = () => Math.max(view.box[2] / canvas.clientWidth, view.box[3] / canvas.clientHeight);
  const move = (dx, dy) => {
    view.box[0] -= dx * unit();
    view.box[1] -= dy * unit();
    draw();
  };
  kept && view.box ? draw() : fit();

  tools.onclick = (event) => {
    const action = event.target.dataset.do;
    if (action === "fit") fit();
    if (action === "in") zoom(0.8);
    if (action === "out") zoom(1.25);
  };
  canvas.onwheel = (event) => {
    // The page keeps its wheel; with Ctrl, or after a click into the graph, the graph has it.
    if (!event.ctrlKey && canvas.getRootNode().activeElement !== canvas) return;
    event.preventDefault();
    const frame = canvas.getBoundingClientRect();
    zoom(event.deltaY > 0 ? 1.15 : 0.87, (event.clientX - frame.left) / frame.width,
      (event.clientY - frame.top) / frame.height);
  };
  canvas.onpointerdown = (event) => canvas.setPointerCapture(event.pointerId);
  canvas.onpointermove = (event) => event.buttons === 1 && move(event.movementX, event.movementY);
  canvas.onkeydown = (event) => {
    const keys = {
      "+": () => zoom(0.8), "=": () => zoom(0.8), "-": () => zoom(1.25), 0: fit,
      ArrowLeft: () => move(40, 0), ArrowRight: () => move(-40, 0),
      ArrowUp: () => move(0, 40), ArrowDown: () => move(0, -40),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  };
}
