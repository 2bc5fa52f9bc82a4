// The slider over the sample grids, [[step, base64 of a PNG], ...] in the element "sheets".
const slider = document.getElementById("slider");
if (slider) {
  const sheets = JSON.parse(document.getElementById("sheets").textContent);
  const picture = document.getElementById("sheet");
  const step = document.getElementById("step");
  slider.addEventListener("input", () => {
    const [name, png] = sheets[slider.value];
    picture.src = "data:image/png;base64," + png;
    picture.alt = step.textContent = "step " + name;
  });
}
