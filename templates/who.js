/* People are objects: their names, colours, who is the same, who is two. What is changed here is downloaded as
   FILE.people.json, which `mer report` and `mer analyze` read beside the file. */

/* Without a prototype, so that no name of a person means anything else. */
const EDITS = DATA.edits && Object.assign(Object.create(null), DATA.edits);
let CHANGED = false;

/* Under which name of the analysis somebody stands in the edits, and the part of them where they were split. */
function standing(person) {
  for (const [key, change] of Object.entries(EDITS)) {
    if (change.name === person) return { key };
    const part = change.split?.find((one) => one.name === person);
    if (part) return { key, part };
  }
  return { key: person };
}

/* What is written about somebody, to be changed. */
function written(person) {
  const { key, part } = standing(person);
  EDITS[key] ??= {};
  return { key, target: part ?? EDITS[key], change: EDITS[key], part };
}

function changed() {
  CHANGED = true;
  tell("names");
}

function rename(lane, name) {
  const text = name.split(/\s+/).join(" ").trim().slice(0, 200);
  if (!text || text === lane.name) return;
  const { target } = (lane.place ??= written(lane.person));
  target.name = text;
  lane.name = text;
  changed();
}

function recolour(lane, colour) {
  const { target } = (lane.place ??= written(lane.person));
  target.colour = colour;
  lane.colour = colour;
  changed();
}

function merge(lane, other) {
  const { key, change } = (lane.place ??= written(lane.person)), theirs = (other.place ??= written(other.person));
  change.merge = [...new Set([...(change.merge ?? []), theirs.key, ...(theirs.change.merge ?? [])])].filter((one) => one !== key);
  other.mergedInto = lane;
  other.name = `${lane.name} (was ${other.person})`;
  delete EDITS[theirs.key];
  changed();
}

function split(lane) {
  const { change } = (lane.place ??= written(lane.person));
  change.split = [...(change.split ?? []), { at: Math.round(STATE.time / 100) / 10 }].sort((one, other) => one.at - other.at);
  lane.splitAt = [...(lane.splitAt ?? []), STATE.time];
  changed();
}

/* A person counts as written about only where something is written. */
function peopleJson() {
  const people = Object.fromEntries(Object.entries(EDITS).map(([name, change]) => [name, Object.fromEntries(Object.entries(change).filter(([, value]) => value?.length))]).filter(([, change]) => Object.keys(change).length));
  return `${JSON.stringify({ schema: 1, people }, null, 1)}\n`;
}

function personRow(lane) {
  const tick = el("input", { type: "checkbox", checked: !STATE.people.has(lane), "aria-label": `Show ${lane.name}` });
  tick.onchange = () => { if (tick.checked) STATE.people.delete(lane); else STATE.people.add(lane); tell("filter"); };
  const row = el("div", { className: "person-row" }, el("label", { className: "tick" }, tick));
  if (lane.person === null || lane.beside || !EDITS) { row.append(el("bdi", {}, lane.name)); return row; }
  const name = el("input", { type: "text", value: lane.name, maxLength: 200, "aria-label": `Name of ${lane.name}` });
  name.onchange = () => rename(lane, name.value);
  const colour = el("input", { type: "color", value: lane.colour ?? "#777777", "aria-label": `Colour of ${lane.name}`, title: "Colour" });
  colour.onchange = () => recolour(lane, colour.value);
  row.append(name, colour);
  const others = LANES.filter((one) => one !== lane && one.person !== null && !one.beside && !one.mergedInto);
  if (lane.mergedInto) return row;
  if (others.length) {
    const same = el("select", { "aria-label": `${lane.name} is the same person as`, title: "Is the same person as" }, el("option", { value: "" }, "same as…"), ...others.map((one) => el("option", { value: String(LANES.indexOf(one)) }, one.name)));
    same.onchange = () => { if (same.value) merge(LANES[Number(same.value)], lane); };
    row.append(same);
  }
  row.append(button("split here", () => split(lane), { title: "From the playhead on this is somebody else", "aria-label": `Split ${lane.name} at the playhead` }));
  if (lane.splitAt) row.append(el("small", {}, `split at ${lane.splitAt.map((ms) => clock(ms)).join(", ")}`));
  return row;
}

function showPeople() {
  const box = $("people-menu");
  box.replaceChildren(...LANES.filter((lane) => lane.runs?.count || PARTS.some((part) => lane[part]?.count)).map(personRow));
  if (!EDITS) return;
  const file = DATA.people_file, own = `${DATA.name}.people.json`, get = button(`Download ${file}`, () => { save(file, "application/json", peopleJson()); CHANGED = false; showPeople(); }, { disabled: !CHANGED });
  box.append(get, el("p", { className: "note" }, CHANGED ? "Names and colours show at once; who is one or two shows when the page is written again with this file beside it. Until it is downloaded, all of it is lost with this page." : `What you change here is downloaded as a file that mer report reads beside this page${own === file ? "" : `; beside the recording call it ${own}`}.`));
}

/* Sentences name people too. Whole names are replaced, the longest first, in one pass, as `Renamer` in
   mer_batch/wording.py does it; texts are kept as they were found, so that a name can be changed again. */
function renamed(text) {
  const names = new Map(LANES.filter((lane) => lane.person !== null && lane.name !== lane.person).map((lane) => [lane.person, lane.name]));
  if (!names.size) return text;
  const any = [...names.keys()].sort((one, other) => other.length - one.length).map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}_])(?:${any})(?![\\p{L}\\p{N}_])`, "gu"), (name) => names.get(name));
}

const FOUND = new WeakMap();
function renameText() {
  for (const box of document.querySelectorAll(".lead, .notices, .speaker, #events-scroll tbody, .card h3, .card > p, .moment bdi, #coverage")) {
    const walk = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      if (!FOUND.has(walk.currentNode)) FOUND.set(walk.currentNode, walk.currentNode.data);
      const text = renamed(FOUND.get(walk.currentNode));
      if (text !== walk.currentNode.data) walk.currentNode.data = text;
    }
  }
}

addEventListener("beforeunload", (event) => { if (CHANGED) event.preventDefault(); });
on("names", () => { showPeople(); renameText(); });
