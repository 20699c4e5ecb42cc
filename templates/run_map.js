/* Maps of layers: pointing at a dot tells what it is and shows it in the other maps; a chip brings out one label. */
const mapsArea = document.getElementById("maps-area");
if (mapsArea) {
  const { places, told } = JSON.parse(document.getElementById("run-data").textContent).maps;
  const mapReadout = document.getElementById("map-readout");
  const figures = [...mapsArea.querySelectorAll("figure")].map((figure) => [...figure.querySelectorAll("circle")]);
  const REACH = 40;
  let here = -1;

  function point(index) {
    if (index === here) return;
    for (const circles of figures) {
      if (here >= 0) circles[here]?.classList.remove("here");
      if (index >= 0) circles[index]?.classList.add("here");
    }
    here = index;
    mapReadout.textContent = index < 0 ? "" : told[index];
  }

  function nearest(map, x, y) {
    let best = -1, least = REACH * REACH;
    places[map].forEach(([left, top], index) => {
      const away = (left - x) ** 2 + (top - y) ** 2;
      if (away < least && (!mapsArea.classList.contains("chosen") || figures[map][index].classList.contains("on"))) {
        best = index;
        least = away;
      }
    });
    return best;
  }

  mapsArea.querySelectorAll("figure").forEach((figure, map) => {
    const svg = figure.querySelector("svg");
    if (!svg) return;
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const scale = 1000 / box.width;
      point(nearest(map, (event.clientX - box.left) * scale, (event.clientY - box.top) * scale));
    });
    svg.addEventListener("pointerleave", () => point(-1));
  });

  const chips = [...document.querySelectorAll("#map-keys button")];
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      const pressed = chip.getAttribute("aria-pressed") !== "true";
      for (const other of chips) other.setAttribute("aria-pressed", String(pressed && other === chip));
      mapsArea.classList.toggle("chosen", pressed);
      for (const circles of figures) {
        for (const circle of circles) circle.classList.toggle("on", pressed && circle.classList.contains(chip.dataset.emotion));
      }
    });
  }
}
