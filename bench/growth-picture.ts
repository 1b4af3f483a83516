import type { Figure } from "./measure.ts";

const WIDTH = 760;
const HEIGHT = 420;
/** Around the curves; names stand on the right. */
const MARGIN = { left: 60, right: 220, top: 20, bottom: 40 };
const COLOURS = [
  "#0b7285",
  "#1971c2",
  "#6741d9",
  "#c2255c",
  "#e8590c",
  "#2f9e44",
  "#495057",
];
/** Between names, so that they do not cover each other. */
const LINE_HEIGHT = 16;

/** Curves of milliseconds (logarithmic) over rows (logarithmic), as SVG. */
export function drawGrowth(
  sizes: number[],
  names: string[],
  figures: Figure[][],
): string {
  const medians = figures.flat().map(({ median }) => median);
  const low = Math.floor(Math.log10(Math.min(...medians)));
  const high = Math.ceil(Math.log10(Math.max(...medians)));
  const x = (size: number) =>
    MARGIN.left +
    (WIDTH - MARGIN.left - MARGIN.right) * Math.log10(size / sizes[0]) /
      Math.log10(sizes.at(-1)! / sizes[0]);
  const y = (ms: number) =>
    HEIGHT - MARGIN.bottom -
    (HEIGHT - MARGIN.top - MARGIN.bottom) * (Math.log10(ms) - low) /
      (high - low);
  const parts: string[] = [];
  for (let power = low; power <= high; power++) {
    const at = y(10 ** power);
    parts.push(
      line(MARGIN.left, at, WIDTH - MARGIN.right, at, "#dee2e6"),
      text(MARGIN.left - 8, at + 4, `${10 ** power} ms`, "end"),
    );
  }
  for (const size of sizes) {
    const label = `${size.toLocaleString("en")} rows`;
    parts.push(text(x(size), HEIGHT - 14, label, "middle"));
  }
  const labels = spread(figures.map((curve) => y(curve.at(-1)!.median)));
  for (const [index, curve] of figures.entries()) {
    const colour = COLOURS[index % COLOURS.length];
    const points = curve.map(({ median }, n) =>
      `${x(sizes[n]).toFixed(1)},${y(median).toFixed(1)}`
    );
    parts.push(
      `<polyline points="${
        points.join(" ")
      }" fill="none" stroke="${colour}" stroke-width="2"/>`,
      text(
        WIDTH - MARGIN.right + 10,
        labels[index] + 4,
        names[index],
        "start",
        colour,
      ),
    );
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>
${parts.join("\n")}
</svg>
`;
}

/** Heights that keep their order and a distance, as near to the wanted ones as that allows. */
function spread(wanted: number[]): number[] {
  const order = wanted.map((_, index) => index)
    .sort((a, b) => wanted[a] - wanted[b]);
  const placed: number[] = [];
  let least = -Infinity;
  for (const index of order) {
    placed[index] = Math.max(wanted[index], least);
    least = placed[index] + LINE_HEIGHT;
  }
  return placed;
}

function line(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  colour: string,
): string {
  return `<line x1="${x1}" y1="${y1.toFixed(1)}" x2="${x2}" y2="${
    y2.toFixed(1)
  }" stroke="${colour}"/>`;
}

function text(
  x: number,
  y: number,
  content: string,
  anchor: string,
  colour = "#343a40",
): string {
  return `<text x="${x.toFixed(1)}" y="${
    y.toFixed(1)
  }" text-anchor="${anchor}" fill="${colour}">${content}</text>`;
}
