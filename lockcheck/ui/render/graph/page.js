"use strict";
(() => {
  const graph = JSON.parse(document.getElementById("graph").textContent);
  const byId = (id) => document.getElementById(id);
  const canvas = byId("canvas"), picture = byId("picture"), world = byId("world"), panel = byId("panel");
  const search = byId("search");
  const position = (id) => Number(id.slice(1));
  const lockOf = (id) => graph.locks[position(id)];
  const shapes = {
    lock: [...world.querySelectorAll(".lock")],
    edge: new Map([...world.querySelectorAll(".edge")].map((shape) => [Number(shape.dataset.edge), shape])),
  };
  const size = { width: Number(picture.dataset.width), height: Number(picture.dataset.height) };
  const outgoing = graph.locks.map(() => []), incoming = graph.locks.map(() => []);
  graph.edges.forEach((edge, number) => {
    outgoing[position(edge.outer)].push(number);
    incoming[position(edge.inner)].push(number);
  });

  // The picture: where it is and how large.
  const eye = { x: 0, y: 0, scale: 1 };
  const SMALLEST = 0.05, LARGEST = 4;

  function look() {
    world.setAttribute("transform", `translate(${eye.x.toFixed(2)} ${eye.y.toFixed(2)}) scale(${eye.scale.toFixed(4)})`);
  }

  function fit(least, most) {
    const room = canvas.getBoundingClientRect();
    const whole = Math.min(room.width / size.width, room.height / size.height);
    eye.scale = Math.min(Math.max(whole, least), most);
    eye.x = Math.max((room.width - size.width * eye.scale) / 2, 0);
    eye.y = Math.max((room.height - size.height * eye.scale) / 2, 0);
    look();
  }

  function zoom(factor, x, y) {
    const room = canvas.getBoundingClientRect();
    const at = { x: x ?? room.width / 2, y: y ?? room.height / 2 };
    const scale = Math.min(Math.max(eye.scale * factor, SMALLEST), LARGEST);
    eye.x = at.x - ((at.x - eye.x) * scale) / eye.scale;
    eye.y = at.y - ((at.y - eye.y) * scale) / eye.scale;
    eye.scale = scale;
    look();
  }

  function move(x, y) {
    eye.x += x;
    eye.y += y;
    look();
  }

  // Show some shapes, in the middle where they are not to be seen as they are.
  function bring(drawn) {
    const room = canvas.getBoundingClientRect();
    const boxes = drawn.map((shape) => shape.getBBox());
    const left = Math.min(...boxes.map((b) => b.x)), top = Math.min(...boxes.map((b) => b.y));
    const right = Math.max(...boxes.map((b) => b.x + b.width)), bottom = Math.max(...boxes.map((b) => b.y + b.height));
    const seen = (x, y) => {
      const at = { x: x * eye.scale + eye.x, y: y * eye.scale + eye.y };
      return at.x >= 0 && at.y >= 0 && at.x <= room.width && at.y <= room.height;
    };
    if (eye.scale >= 0.45 && seen(left, top) && seen(right, bottom)) return;
    const whole = Math.min(room.width / (right - left + 120), room.height / (bottom - top + 120));
    eye.scale = Math.min(Math.max(Math.min(whole, 1.1), 0.3), LARGEST);
    eye.x = room.width / 2 - ((left + right) / 2) * eye.scale;
    eye.y = room.height / 2 - ((top + bottom) / 2) * eye.scale;
    look();
  }

  // The panel. Everything is put in as text, never as markup.
  function make(name, properties, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(properties ?? {})) {
      if (key === "click") element.addEventListener("click", value);
      else if (key === "class") element.className = value;
      else element.setAttribute(key, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }

  // A dotted name breaks behind its dots.
  const dotted = (text) => text.split(/(?<=[./])/).flatMap((part, number) => (number ? [make("wbr"), part] : [part]));
  const place = (where) => `${where.display}:${where.location.row}`;
  const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

  function row(name, small, click, kind) {
    return make("li", null, make("button", { type: "button", class: `row ${kind ?? ""}`, click },
      make("b", null, name), make("small", null, small)));
  }

  function list(heading, rows) {
    return rows.length ? [make("h3", null, heading), make("ul", null, ...rows)] : [];
  }

  function show(...children) {
    panel.replaceChildren(...children);
    panel.scrollTop = 0;
  }

  const back = () => make("button", { type: "button", class: "back", click: () => choose(null) }, "← All locks");

  function cycleNames(cycle) {
    const names = cycle.locks.map((id) => lockOf(id).title);
    return [...names, names[0]].join(" → ");
  }

  function matches(lock, words) {
    const text = [lock.title, lock.qualified_name, lock.kind, lock.made ? lock.made.display : ""].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  }

  function wanted() {
    return search.value.toLowerCase().split(/\s+/).filter(Boolean);
  }

  function lockRow(number) {
    const lock = graph.locks[number];
    const small = [lock.kind, lock.made ? place(lock.made) : null,
      outgoing[number].length ? `before ${outgoing[number].length}` : null,
      incoming[number].length ? `after ${incoming[number].length}` : null].filter(Boolean).join(" · ");
    return row(lock.title, small, () => choose({ lock: number }));
  }

  function showAll() {
    const words = wanted();
    const found = graph.locks.map((_, number) => number).filter((number) => matches(graph.locks[number], words));
    const cycles = words.length ? [] : graph.cycles.map((cycle, number) =>
      row(cycleNames(cycle), count(cycle.sides.length, "nesting"), () => choose({ cycle: number }), "cycle"));
    const none = graph.locks.length ? "No cycle that can happen: these locks are taken in one order." : "No locks were found.";
    show(
      ...(words.length || cycles.length ? [] : [make("p", null, none)]),
      ...list(count(cycles.length, "cycle"), cycles),
      ...list(words.length ? `${found.length} of ${count(graph.locks.length, "lock")}` : count(graph.locks.length, "lock"), found.map(lockRow)),
      ...(words.length && !found.length ? [make("p", null, "No lock is called that.")] : []),
    );
  }

  function edgeRow(number, end) {
    const edge = graph.edges[number];
    const verdict = { cycle: "on a cycle · ", "ruled-out": "ruled out · ", order: "" }[edge.verdict];
    return row(lockOf(edge[end]).title, `${verdict}${edge.ways}`, () => choose({ edge: number }), edge.verdict);
  }

  function showLock(number) {
    const lock = graph.locks[number];
    show(
      back(),
      make("h2", null, lock.title),
      make("p", null, lock.traits),
      make("p", null, ...dotted(lock.qualified_name)),
      ...(lock.made ? [make("h3", null, `Made at ${place(lock.made)}`), make("code", null, lock.made.source)] : []),
      ...list("While it is held, these are taken", outgoing[number].map((edge) => edgeRow(edge, "inner"))),
      ...list("It is taken while these are held", incoming[number].map((edge) => edgeRow(edge, "outer"))),
      ...list("Taken in", lock.taken_in.map((use) => make("li", { class: "row" },
        make("b", null, ...dotted(use.function)),
        make("small", null, [place(use), use.can_wait ? (use.timed ? "with a timeout" : null) : "without waiting",
          runners(use.runs_in)].filter(Boolean).join(" · "))))),
    );
  }

  function runners(found) {
    const said = found.slice(0, 3).map((each) => each.words);
    return said.length ? `run by ${said.join(", ")}${found.length > 3 ? ` and ${found.length - 3} more` : ""}` : null;
  }

  function chain(verb, name, steps) {
    const words = { calls: "calls", takes: "takes", contract: "is promised" };
    return make("div", { class: "chain" },
      make("p", null, `${verb} `, make("b", null, name)),
      make("ol", null, ...steps.map((step) => make("li", { class: step.what },
        make("div", { class: "place" }, `${place(step)} · ${words[step.what]} ${step.text}`),
        make("code", null, step.source)))));
  }

  function nesting(edge, told) {
    const doubts = [told.confidence === "high" ? null : `${told.confidence} confidence`,
      told.on_every_path ? null : "on some paths only",
      told.gates.length ? `with ${told.gates.join(", ")} held too` : null].filter(Boolean).join(" · ");
    return make("article", null,
      make("header", null, make("b", null, ...dotted(told.function)), doubts ? make("small", null, doubts) : null),
      chain("holds", lockOf(edge.outer).title, told.holds),
      chain("then takes", lockOf(edge.inner).title, told.takes));
  }

  function edgeParts(number, level) {
    const edge = graph.edges[number];
    const verdict = { cycle: "On a cycle: a deadlock can happen", "ruled-out": "On a cycle that is ruled out", order: "On no cycle" };
    return [
      make(level, null, `${lockOf(edge.outer).title} → ${lockOf(edge.inner).title}`),
      make("span", { class: `chip ${edge.verdict}` }, verdict[edge.verdict]),
      ...edge.reasons.map((reason) => make("p", null, reason.replaceAll("`", ""))),
      ...edge.nestings.map((told) => nesting(edge, told)),
      edge.more ? make("p", null, `and ${edge.more} more, which the JSON form has`) : null,
    ].filter((part) => part !== null);
  }

  function showEdge(number) {
    show(back(), ...edgeParts(number, "h2"));
  }

  function showCycle(number) {
    const cycle = graph.cycles[number];
    show(
      back(),
      make("h2", null, cycleNames(cycle)),
      make("p", null, "Each waits for what the next one holds. One way for every side:"),
      ...cycle.sides.flatMap((side) => {
        const number = position(side.edge), edge = graph.edges[number];
        const name = `${lockOf(edge.outer).title} → ${lockOf(edge.inner).title}`;
        const small = edge.nestings.length > 1 ? `show all of ${edge.ways}` : edge.ways;
        return [
          make("ul", { class: "side" }, row(name, small, () => choose({ edge: number }), "cycle")),
          nesting(edge, side.nesting),
        ];
      }),
    );
  }

  // What is chosen: a lock, an edge, a cycle or nothing.
  let chosen = null;

  function choose(what, quietly) {
    chosen = what;
    const locks = new Set(), edges = new Set(), near = new Set();
    if (what && "lock" in what) {
      locks.add(what.lock);
      for (const number of [...outgoing[what.lock], ...incoming[what.lock]]) {
        near.add(number);
      }
    } else if (what && "edge" in what) {
      edges.add(what.edge);
    } else if (what && "cycle" in what) {
      graph.cycles[what.cycle].sides.forEach((side) => edges.add(position(side.edge)));
    }
    const kept = new Set(locks);
    for (const number of [...edges, ...near]) {
      kept.add(position(graph.edges[number].outer)).add(position(graph.edges[number].inner));
    }
    mark(kept, (number) => edges.has(number) || near.has(number), what !== null);
    shapes.lock.forEach((shape) => shape.classList.toggle("chosen", locks.has(Number(shape.dataset.lock))));
    shapes.edge.forEach((shape, number) => {
      shape.classList.toggle("chosen", edges.has(number) && "edge" in what);
      shape.classList.toggle("told", edges.has(number) && "cycle" in what);
    });
    if (!what) showAll();
    else if ("lock" in what) showLock(what.lock);
    else if ("edge" in what) showEdge(what.edge);
    else showCycle(what.cycle);
    if (what && !quietly) {
      bring(shapes.lock.filter((shape) => (locks.size ? locks : kept).has(Number(shape.dataset.lock))));
    }
    if (document.activeElement === document.body) panel.focus({ preventScroll: true });
  }

  function mark(kept, keepEdge, some) {
    shapes.lock.forEach((shape) => shape.classList.toggle("far", some && !kept.has(Number(shape.dataset.lock))));
    shapes.edge.forEach((shape, number) => shape.classList.toggle("far", some && !keepEdge(number)));
  }

  function find() {
    const words = wanted();
    chosen = null;
    shapes.lock.forEach((shape) => shape.classList.remove("chosen"));
    shapes.edge.forEach((shape) => shape.classList.remove("chosen", "told"));
    const kept = new Set(graph.locks.map((_, number) => number).filter((number) => matches(graph.locks[number], words)));
    mark(kept, (number) => kept.has(position(graph.edges[number].outer)) && kept.has(position(graph.edges[number].inner)), words.length > 0);
    showAll();
  }

  function step(things, now, by) {
    if (!things.length) return null;
    const at = things.indexOf(now);
    return things[at < 0 ? (by > 0 ? 0 : things.length - 1) : (at + by + things.length) % things.length];
  }

  function nextLock(by) {
    const found = graph.locks.map((_, number) => number).filter((number) => matches(graph.locks[number], wanted()));
    const next = step(found, chosen && "lock" in chosen ? chosen.lock : -1, by);
    if (next !== null) choose({ lock: next });
  }

  let around = null;

  function nextEdge(by) {
    if (chosen && "lock" in chosen) around = chosen.lock;
    const edges = around === null ? graph.edges.map((_, number) => number) : [...outgoing[around], ...incoming[around]];
    const next = step(edges, chosen && "edge" in chosen ? chosen.edge : -1, by);
    if (next !== null) choose({ edge: next });
  }

  function nextCycle() {
    const next = step(graph.cycles.map((_, number) => number), chosen && "cycle" in chosen ? chosen.cycle : -1, 1);
    if (next !== null) choose({ cycle: next });
  }

  function turnLights() {
    const now = document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  }

  // Hands: pointer, wheel, keys.
  const fingers = new Map();
  let dragged = 0;

  picture.addEventListener("pointerdown", (event) => {
    if (!fingers.size) dragged = 0;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  picture.addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return;
    const x = event.clientX - finger.x, y = event.clientY - finger.y;
    const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, other]) => other);
    if (others.length) {
      const room = canvas.getBoundingClientRect();
      const [other] = others;
      const before = Math.hypot(finger.x - other.x, finger.y - other.y);
      const after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
      zoom(after / Math.max(before, 1), (event.clientX + other.x) / 2 - room.left, (event.clientY + other.y) / 2 - room.top);
    } else {
      move(x, y);
    }
    dragged += Math.abs(x) + Math.abs(y);
    if (dragged > 4 && !picture.hasPointerCapture(event.pointerId)) {
      picture.setPointerCapture(event.pointerId);
      picture.classList.add("moving");
    }
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    picture.addEventListener(end, (event) => {
      fingers.delete(event.pointerId);
      picture.classList.remove("moving");
    });
  }
  picture.addEventListener("click", (event) => {
    if (dragged > 4) return;
    const shape = event.target.closest("[data-lock], [data-edge]");
    if (!shape) choose(null);
    else if (shape.dataset.lock) choose({ lock: Number(shape.dataset.lock) }, true);
    else choose({ edge: Number(shape.dataset.edge) }, true);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const room = canvas.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX - room.left, event.clientY - room.top);
  }, { passive: false });

  const keys = {
    "/": () => search.focus(),
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(0.8),
    0: () => fit(SMALLEST, 1.2),
    c: nextCycle,
    n: () => nextLock(1),
    p: () => nextLock(-1),
    e: () => nextEdge(1),
    E: () => nextEdge(-1),
    t: turnLights,
    Escape: () => { search.value = ""; around = null; choose(null); },
  };
  const arrows = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === search) {
      if (event.key === "Enter") nextLock(event.shiftKey ? -1 : 1);
      else if (event.key === "Escape") { search.value = ""; find(); canvas.focus(); }
      return;
    }
    const arrow = arrows[event.key];
    if (arrow && event.target === canvas) move(...arrow);
    else if (Object.hasOwn(keys, event.key)) keys[event.key]();
    else return;
    event.preventDefault();
  });

  byId("in").addEventListener("click", () => zoom(1.25));
  byId("out").addEventListener("click", () => zoom(0.8));
  byId("fit").addEventListener("click", () => fit(SMALLEST, 1.2));
  byId("theme").addEventListener("click", turnLights);
  byId("next-cycle").addEventListener("click", nextCycle);
  byId("next-cycle").disabled = !graph.cycles.length;
  byId("empty").hidden = graph.locks.length > 0;
  search.addEventListener("input", find);
  fit(0.55, 1.1);
  choose(null);
})();
