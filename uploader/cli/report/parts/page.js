"use strict";
/* Shows the report: its data lies in #data as JSON. Text from the bucket becomes text nodes, and never markup. */
(() => {
  const report = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);

  /* Elements */

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  /* Values for people */

  const plural = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many ?? `${one}s`}`;

  function readable(size) {
    const units = ["B", "kB", "MB", "GB"];
    let unit = 0;
    while (size >= 1000 && unit < units.length - 1) {
      size /= 1000;
      unit += 1;
    }
    return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
  }

  const instant = (text) => (text ? `${text.slice(0, 10)} ${text.slice(11, 16)} UTC` : "");
  const seconds = (text) => Date.parse(text) / 1000;
  const amount = (one) => (one ? `${plural(one.objects, "object")}, ${readable(one.bytes)}` : "not known");
  const commitOf = (release) => (release.metadata.commit ?? "").slice(0, 12);

  function distance(from, to) {
    const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
    const passed = Math.max(0, seconds(to) - seconds(from));
    const [unit, size] = units.find(([, each]) => passed >= 2 * each) ?? units[3];
    return plural(Math.floor(passed / size), unit);
  }

  /* Tables: no more rows than a page of them are in the document */

  const ROWS = 25;

  function table(label, columns, rows) {
    const body = make("tbody");
    const caption = make("caption");
    const head = make("tr", {}, ...columns.map(([name, kind]) => make("th", { scope: "col", class: kind }, name)));
    const region = make("div", { class: "table", tabindex: "0", role: "region", "aria-label": label },
      make("table", {}, caption, make("thead", {}, head), body));
    const earlier = make("button", { type: "button" }, "Next rows");
    const later = make("button", { type: "button" }, "Previous rows");
    let first = 0;
    const show = () => {
      const last = Math.min(first + ROWS, rows.length);
      caption.textContent = rows.length > ROWS
        ? `${label}: rows ${first + 1} to ${last} of ${rows.length.toLocaleString("en")}` : label;
      body.replaceChildren(...rows.slice(first, last).map((row) => make("tr", {},
        ...row().map((cell, i) => make(i === 0 ? "th" : "td", { class: columns[i][1], scope: i === 0 ? "row" : null }, cell)))));
      later.disabled = first === 0;
      earlier.disabled = last === rows.length;
    };
    const turn = (by) => () => {
      first += by;
      show();
    };
    earlier.addEventListener("click", turn(ROWS));
    later.addEventListener("click", turn(-ROWS));
    show();
    return rows.length > ROWS ? [region, make("div", { class: "pages" }, later, earlier)] : [region];
  }

  const behind = (...content) => make("details", {}, make("summary", {}, "The same as a table"), ...content);

  /* Charts: each is a slider for the keyboard and for a screen reader, which says what is at the chosen point */

  const charts = [];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const axis = (more) => ({
    stroke: colour("quiet"), grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("line"), width: 1 },
    font: "12px system-ui, sans-serif", ...more,
  });

  /* Ticks in UTC, as everything else; the first one says the year or the day that the others belong to. */
  function times(u, splits, index, space, step) {
    const [from, to, whole] = step >= 28 * 86400 ? [0, 7, 0] : step >= 86400 ? [5, 10, 4] : [11, step < 60 ? 19 : 16, 10];
    return splits.map((each, i) => {
      const text = new Date(each * 1000).toISOString();
      return text.slice(from, to) + (i === 0 && whole ? `\n${text.slice(0, whole)}` : "");
    });
  }

  function chart({ label, height, count, first, describe, position, nearest, build }) {
    const mark = make("div", { class: "mark", hidden: "" });
    const host = make("div", {
      class: "chart", tabindex: "0", role: "slider", "aria-label": label, "aria-orientation": "horizontal",
      "aria-valuemin": 1, "aria-valuemax": count, "aria-valuenow": first + 1, "aria-valuetext": describe(first),
    });
    const readout = make("p", { class: "readout" }, describe(first));
    let plot = null;
    let chosen = first;

    function place() {
      const { left, top } = position(plot, chosen);
      mark.hidden = !(left >= 0 && left <= plot.over.clientWidth);
      mark.style.transform = `translate(${left}px, ${top}px)`;
    }
    function choose(index) {
      chosen = Math.max(0, Math.min(count - 1, index));
      const text = describe(chosen);
      host.setAttribute("aria-valuenow", chosen + 1);
      host.setAttribute("aria-valuetext", text);
      readout.textContent = text;
      place();
    }
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
    host.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (Object.hasOwn(steps, event.key)) choose(chosen + steps[event.key]);
      else if (event.key === "Home") choose(0);
      else if (event.key === "End") choose(count - 1);
      else return;
      event.preventDefault();
    });
    function draw() {
      plot?.destroy();
      const options = build();
      plot = new uPlot({
        width: Math.max(200, host.clientWidth), height,
        legend: { show: false },
        tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
        ...options,
        cursor: { points: { show: false }, drag: { x: false, y: false }, y: false, ...options.cursor },
        hooks: {
          setCursor: [(u) => {
            if (u.cursor.left >= 0 && u.cursor.event) choose(nearest(u));
          }],
        },
      }, options.data, host);
      plot.root.setAttribute("aria-hidden", "true");
      plot.over.append(mark);
      place();
    }
    charts.push({ host, draw, resize: () => {
      plot.setSize({ width: Math.max(200, host.clientWidth), height });
      place();
    } });
    return [host, readout];
  }

  function span(u, least, most) {
    const margin = least === most ? 3600 : (most - least) * 0.03;
    return [least - margin, most + margin];
  }

  /* What needs attention, and at a glance */

  function wrong() {
    const notes = (lines, kind, word) => lines.map((line) => make("li", { class: kind }, make("strong", {}, `${word}: `), line));
    const lines = [...notes(report.problems, "problem", "Problem"), ...notes(report.warnings, "warning", "Warning")];
    byId("wrong").append(lines.length
      ? make("ul", { class: "notes" }, ...lines)
      : make("p", { class: "good" }, "Nothing is wrong, as far as the release log says; ", make("code", {}, "python -m uploader doctor"), " looks at more."));
  }

  const current = report.releases.filter((each) => each.standing === "current");

  function facts() {
    const sum = (name) => report.ages.reduce((all, each) => ({
      objects: all.objects + each[name].objects, bytes: all.bytes + each[name].bytes }), { objects: 0, bytes: 0 });
    const { whole, overdue } = report.retiring;
    const live = sum("current");
    const next = report.cleaner?.last_run?.next_due;
    const entries = [
      ["Current assets", readable(live.bytes), plural(live.objects, "object")],
      ["Retired assets", readable(whole.bytes), plural(whole.objects, "object") + (overdue.objects ? `, ${overdue.objects.toLocaleString("en")} overdue` : "")],
      ["Releases known", report.releases.length.toLocaleString("en"), plural(current.length, "channel has a current one", "channels have a current one")],
      ["The cleaner comes back", next ? instant(next) : report.cleaner ? "at the next release" : "no cleaner yet", ""],
    ];
    byId("facts").append(...entries.map(([name, value, more]) =>
      make("div", {}, make("dt", {}, name), make("dd", {}, value, make("small", {}, more)))));
  }

  /* Releases by channel */

  const LANES = 12;

  function releases() {
    const place = byId("releases");
    const shown = report.releases.filter((each) => each.channel !== "").reverse();
    if (report.releases.length === 0) {
      place.append(make("p", {}, "No release has been published yet."));
      return;
    }
    const names = [...new Set(report.releases.map((each) => each.channel).filter(Boolean))];
    const others = names.length > LANES ? `${names.length - LANES + 1} other channels` : null;
    const lanes = others === null ? names : [...names.slice(0, LANES - 1), others];
    const laneOf = new Map(names.map((name, i) => [name, Math.min(i, lanes.length - 1)]));
    const x = shown.map((each) => seconds(each.at));
    const y = shown.map((each) => lanes.length - 1 - laneOf.get(each.channel));
    const describe = (i) => {
      const each = shown[i];
      const commit = commitOf(each);
      return [
        `${each.channel}: ${each.name || each.release}, ${instant(each.at)}`,
        commit && commit !== each.name ? `commit ${commit}` : "", each.metadata.branch ? `branch ${each.metadata.branch}` : "",
        each.standing, each.whole ? amount(each.whole) : "", each.new ? `new: ${amount(each.new)}` : "",
        each.retired ? `retired: ${amount(each.retired)}` : "",
      ].filter(Boolean).join("; ");
    };
    if (shown.length) {
      const position = (u, i) => ({ left: u.valToPos(x[i], "x"), top: u.valToPos(y[i], "y") });
      const nearest = (u) => {
        const { left, top } = u.cursor;
        const middle = u.posToIdx(left);
        let best = middle;
        let least = Infinity;
        for (let i = Math.max(0, middle - 200); i < Math.min(x.length, middle + 200); i += 1) {
          const at = position(u, i);
          const far = Math.abs(at.left - left) + Math.abs(at.top - top) / 2;
          if (far < least) [best, least] = [i, far];
        }
        return best;
      };
      /* Of points that lie on each other one is drawn: each of them can be chosen all the same. */
      const apart = (u, lane) => {
        const kept = [];
        let last = -Infinity;
        u.data[lane].forEach((at, i) => {
          if (at === null) return;
          const left = u.valToPos(x[i], "x");
          if (left - last < 1.5) return;
          kept.push(i);
          last = left;
        });
        return kept;
      };
      const newest = shown.length - 1;
      place.append(...chart({
        label: "Releases by channel over time; the arrow keys go from release to release", height: 90 + 30 * lanes.length,
        count: shown.length, first: newest, describe, position, nearest,
        build: () => {
          const wide = innerWidth >= 700;
          const many = shown.length > 500;
          const cut = (name) => (name.length > (wide ? 24 : 11) ? `${name.slice(0, wide ? 23 : 10)}…` : name);
          return {
            data: [x, ...lanes.map((_, lane) => y.map((at) => (at === lanes.length - 1 - lane ? at : null)))],
            scales: { x: { time: true, range: span }, y: { range: [-0.6, lanes.length - 0.4] } },
            axes: [axis({ space: 66, values: times }), axis({
              size: wide ? 180 : 92, splits: lanes.map((_, i) => i),
              values: () => lanes.map((_, i) => cut(lanes[lanes.length - 1 - i])),
            })],
            series: [{}, ...lanes.map((name, i) => ({
              label: name, paths: () => null,
              points: many ? { show: true, filter: apart, size: 5, width: 1, fill: colour(`c${i % 8}`), stroke: colour(`c${i % 8}`) }
                : { show: true, size: 11, width: 1, fill: colour(`c${i % 8}`), stroke: colour("card") },
            }))],
          };
        },
      }));
    }
    const columns = [["release"], ["channel"], ["published"], ["commit"], ["standing"], ["objects", "number"], ["size", "number"],
      ["new", "number"], ["retired", "number"]];
    place.append(behind(...table("Releases, the newest first", columns, report.releases.map((each) => () => [
      each.release, each.channel || "not known", instant(each.at), commitOf(each), each.standing,
      each.whole ? each.whole.objects.toLocaleString("en") : "", each.whole ? readable(each.whole.bytes) : "",
      each.new ? amount(each.new) : "", each.retired ? amount(each.retired) : "",
    ]))));
    if (report.waiting.length) {
      place.append(...table("Uploads under way, and staged releases", [["release"], ["channel"], ["what"], ["since"], ["expires"], ["assets", "number"]],
        report.waiting.map((each) => () => [
          each.release, each.channel, each.what, instant(each.since), instant(each.until), each.assets.toLocaleString("en")])));
    }
  }

  /* What is retired, and when it goes */

  function retiring() {
    const place = byId("retiring");
    const { whole, overdue, kept, steps } = report.retiring;
    if (whole.objects === 0) {
      place.append(make("p", {}, report.cleaner ? "Nothing is retired." : "Nothing is retired, as far as is known: no cleaner has run here yet."));
      return;
    }
    const rest = kept.map((each) => `${amount(each)} kept by ${each.by}`);
    place.append(make("p", {}, [`${amount(whole)} retired`, overdue.objects ? `${amount(overdue)} overdue` : "", ...rest].filter(Boolean).join("; ") + "."));
    if (steps.length > 1) {
      const x = steps.map((each) => seconds(each.at));
      place.append(
        make("ul", { class: "key" },
          make("li", {}, make("span", { class: "swatch-retired" }), "bytes left (scale on the left)"),
          make("li", {}, make("span", { class: "swatch-current" }), "objects left (scale on the right)")),
        ...chart({
          label: "What is left of the retired assets at each instant to come; the arrow keys go from step to step", height: 260,
          count: steps.length, first: 0,
          describe: (i) => `${instant(steps[i].at)}${i === 0 ? " (now)" : `, in ${distance(report.at, steps[i].at)}`}: ${amount(steps[i])} left`,
          position: (u, i) => ({ left: u.valToPos(x[i], "x"), top: u.valToPos(steps[i].bytes, "bytes") }),
          nearest: (u) => u.cursor.idx ?? 0,
          build: () => {
            const stepped = uPlot.paths.stepped({ align: 1 });
            const curve = (name, scale, width, dash) => ({ scale, stroke: colour(name), width, dash, paths: stepped, points: { show: steps.length < 60 } });
            const upTo = (u, least, most) => [0, Math.max(1, most * 1.05)];
            return {
              data: [x, steps.map((each) => each.bytes), steps.map((each) => each.objects)],
              scales: { x: { time: true, range: span }, bytes: { range: upTo }, objects: { range: upTo } },
              axes: [axis({ space: 66, values: times }),
                axis({ scale: "bytes", size: 74, values: (u, splits) => splits.map(readable) }),
                axis({ scale: "objects", side: 1, size: 66, grid: { show: false }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7],
                  values: (u, splits) => splits.map((each) => each.toLocaleString("en")) })],
              series: [{}, curve("retired", "bytes", 2), curve("current", "objects", 2, [6, 4])],
            };
          },
        }));
    }
    place.append(behind(...table("What is left of the retired assets", [["at"], ["objects left", "number"], ["bytes left", "number"]],
      steps.map((each) => () => [instant(each.at), each.objects.toLocaleString("en"), readable(each.bytes)]))));
  }

  /* Space by age, and the largest logical paths */

  const SHORT = ["<1d", "<7d", "<30d", "<90d", "<1y", "older"];

  function ages() {
    const place = byId("ages");
    if (report.largest.length === 0) {
      place.append(make("p", {}, "No asset is known."));
      return;
    }
    const wholes = report.ages.map((each) => each.current.bytes + each.retired.bytes);
    const x = report.ages.map((_, i) => i);
    place.append(
      make("ul", { class: "key" },
        make("li", {}, make("span", { class: "swatch-current" }), "current"),
        make("li", {}, make("span", { class: "swatch-retired" }), "retired")),
      ...chart({
        label: "Bytes by the time since they were stored; the arrow keys go from age to age", height: 240,
        count: x.length, first: Math.max(0, wholes.indexOf(Math.max(...wholes))),
        describe: (i) => `${report.ages[i].age}: current ${amount(report.ages[i].current)}; retired ${amount(report.ages[i].retired)}`,
        position: (u, i) => ({ left: u.valToPos(i, "x"), top: u.valToPos(wholes[i], "y") }),
        nearest: (u) => Math.round(u.posToVal(u.cursor.left, "x")),
        build: () => {
          const bars = uPlot.paths.bars({ size: [0.7, 90] });
          const bar = (name) => ({ fill: colour(name), stroke: colour(name), width: 0, paths: bars, points: { show: false } });
          return {
            data: [x, wholes, report.ages.map((each) => each.current.bytes)],
            scales: { x: { time: false, range: [-0.6, x.length - 0.4] }, y: { range: (u, least, most) => [0, Math.max(1, most * 1.08)] } },
            axes: [axis({ splits: x, values: () => SHORT, grid: { show: false } }), axis({ size: 74, values: (u, splits) => splits.map(readable) })],
            series: [{}, bar("retired"), bar("current")],
          };
        },
      }),
      behind(...table("Bytes and objects by age", [["stored since"], ["current", "number"], ["retired", "number"]],
        report.ages.map((each) => () => [each.age, amount(each.current), amount(each.retired)]))));
  }

  function largest() {
    const place = byId("largest");
    if (report.largest.length === 0) {
      place.append(make("p", {}, "No asset is known."));
      return;
    }
    place.append(...table("All versions of each logical path", [["logical path"], ["versions", "number"], ["size", "number"], ["of it current", "number"]],
      report.largest.map((each) => () => [
        each.logical, each.whole.objects.toLocaleString("en"), readable(each.whole.bytes), readable(each.current.bytes)])));
  }

  /* The cleaner's last runs */

  const DONE = Object.assign(Object.create(null), { delete: "deleted", keep: "kept", tag: "tagged", untag: "untagged", set_aside: "set aside" });

  function cleaner() {
    const place = byId("cleaner");
    const run = report.cleaner?.last_run;
    if (!run) {
      place.append(make("p", {}, report.cleaner ? "The cleaner's first run is under way." : "No cleaner has run here yet."));
      return;
    }
    const rows = [
      ["at", instant(run.at)], ["run", run.run ?? ""],
      ...Object.entries(run.counts).map(([name, count]) => [DONE[name] ?? name, count.toLocaleString("en")]),
      ["bytes deleted", readable(run.bytes_deleted)],
      ...(run.unfinished ? [["unfinished", "it ran out of time, and the cleaner continues by itself"]] : []),
      ...run.stopped_by.map((each) => ["stopped by", each.text]),
      ["last full listing", instant(report.cleaner.listed_at)], ["comes back", run.next_due ? instant(run.next_due) : "at the next release"],
      ...(run.ends_at ? [["the site ends, if nothing is published before", instant(run.ends_at)]] : []),
    ];
    place.append(...table("The last one that changed anything", [["what"], ["value"]], rows.map((row) => () => row)));
    if (report.cleaner.runs.length) {
      const columns = [["at"], ["took", "number"], ["tagged", "number"], ["untagged", "number"], ["deleted", "number"],
        ["bytes deleted", "number"], ["failed", "number"], ["stopped by"], ["run"]];
      place.append(...table("The last runs, the newest first", columns, report.cleaner.runs.map((each) => () => [
        instant(each.at), each.seconds ? plural(each.seconds, "second") : "under 1 second", ...["tagged", "untagged", "deleted"].map((name) => each[name].toLocaleString("en")),
        readable(each.bytes_deleted), each.failed.toLocaleString("en"),
        [...each.stopped_by, ...(each.unfinished ? ["ran out of time"] : [])].join(", "), each.run])));
    }
  }

  byId("at").append(`As of ${instant(report.at)}, from the release log`);
  for (const part of [wrong, facts, releases, retiring, ages, largest, cleaner]) part();
  const drawAll = () => charts.forEach((each) => each.draw());
  drawAll();
  let asked = false;
  const observer = new ResizeObserver(() => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      charts.forEach((each) => each.resize());
    });
  });
  charts.forEach((each) => observer.observe(each.host));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
