// Draws the tables of the statistics as charts, in the colours of the theme, and
// saves them as pictures.
(() => {
  "use strict";
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = new Map();

  const read = (table) => {
    const rows = [...document.querySelectorAll(`#${table} tr[data-x]`)];
    const days = rows.length > 0 && rows[0].dataset.x.includes("-");
    const number = (name) => rows.map((row) => Number(row.dataset[name]));
    return { days, data: [days ? rows.map((row) => Date.parse(row.dataset.x + "T00:00:00Z") / 1000) : number("x"), number("a"), number("b")] };
  };

  const draw = (box) => {
    const { days, data } = read(box.dataset.table);
    const bars = box.dataset.kind === "bars" || data[0].length <= 45;
    drawn.get(box)?.destroy();
    const axis = { stroke: css("--muted"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
    const series = (label, colour, soft) => ({
      label, stroke: colour, width: bars ? 0 : 2, fill: bars ? colour : soft,
      points: { show: !bars && data[0].length < 40, size: 6, fill: colour },
      paths: bars ? uPlot.paths.bars({ size: [label === "Offered" ? 0.8 : 0.5, 60] }) : undefined,
    });
    const hour = (u, values) => values.map((v) => (Number.isInteger(v) ? String(v).padStart(2, "0") : ""));
    const day = 86400;
    // A few days are drawn as a week, or one column would fill the chart. The
    // ends are the data's own: uPlot makes years of a single day.
    const first = data[0][0], last = data[0][data[0].length - 1];
    const span = () => [Math.min(first, last - 6 * day) - 0.6 * day, last + 0.6 * day];
    const date = (u, values) => values.map((v) => new Date(v * 1e3).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" }));
    const plot = new uPlot({
      width: Math.max(box.clientWidth, 200), height: 240, tzDate: (at) => uPlot.tzDate(new Date(at * 1e3), "Etc/UTC"),
      padding: [12, 12, 0, 0], legend: { live: true }, cursor: { y: false },
      scales: { x: days ? { time: true, range: span } : { time: false, range: [-0.7, 23.7] }, y: { range: (u, low, high) => [0, Math.max(high * 1.1, 1)] } },
      series: [days ? { label: "Date", value: "{YYYY}-{MM}-{DD}" } : { label: "Hour" },
        series("Offered", bars ? css("--line-strong") : css("--live"), css("--live-soft")), series("Answered", css("--accent"), css("--accent-soft"))],
      axes: [{ ...axis, values: days ? date : hour, incrs: days ? [1, 2, 4, 7, 14, 28, 56, 112, 364].map((n) => n * day) : [1, 2, 3, 4, 6, 12], space: 48 },
        { ...axis, size: 48, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6] }],
    }, data, box);
    drawn.set(box, plot);
  };

  const all = () => document.querySelectorAll(".chart").forEach(draw);
  all();
  addEventListener("themechange", all);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  let later;
  addEventListener("resize", () => { clearTimeout(later); later = setTimeout(all, 150); });

  document.addEventListener("click", (e) => {
    const id = e.target.closest("[data-picture]")?.dataset.picture;
    if (!id) return;
    const canvas = document.querySelector(`#${id} canvas`), copy = document.createElement("canvas");
    copy.width = canvas.width;
    copy.height = canvas.height;
    const pen = copy.getContext("2d");
    pen.fillStyle = css("--surface");
    pen.fillRect(0, 0, copy.width, copy.height);
    pen.drawImage(canvas, 0, 0);
    copy.toBlob((picture) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(picture);
      link.download = `switchboard-${id.replace("chart-", "")}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  });
})();
