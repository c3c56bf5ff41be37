// Draws every chart of the page: a Vega-Lite specification in a data block beside the place where it goes.
//
// Expressions are interpreted, not compiled (`ast: true`), so that the page's content policy needs no unsafe-eval.
// A chart says nothing about colours or type: those come from the page's style sheet, and a change between light and
// dark draws again. Without this script the page is still whole: each chart only draws the table beside it.
import {expressionInterpreter} from "vega-interpreter";
import {parse, View} from "vega";
import {compile} from "vega-lite";

const dark = matchMedia("(prefers-color-scheme: dark)");
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);

function themeOf(style) {
    const colour = (name) => style.getPropertyValue("--" + name).trim();
    const text = colour("text"), faint = colour("faint"), line = colour("line");
    const series = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => colour("series-" + i));
    return {
        background: "transparent",
        font: style.fontFamily,
        axis: {
            labelColor: faint, titleColor: text, titleFontWeight: 500, gridColor: line, domainColor: faint,
            tickColor: line, labelFontSize: 12, titleFontSize: 12, titlePadding: 8, labelOverlap: true, labelLimit: 150,
        },
        axisX: {grid: false},
        header: {labelColor: text, titleColor: text, labelFontSize: 12},
        legend: {labelColor: text, titleColor: text, labelFontSize: 12, titleFontSize: 12, orient: "top", titleFontWeight: 500,
                 labelLimit: 240},
        range: {category: series, heatmap: [colour("cold"), colour("warm"), colour("hot")],
                ramp: [colour("cold"), colour("warm"), colour("hot")]},
        style: {
            limit: {stroke: colour("bad"), color: colour("bad"), strokeDash: [6, 4], strokeWidth: 1.5},
            limitText: {fill: colour("bad"), color: colour("bad"), fontSize: 12},
            label: {fill: text, color: text, fontSize: 12},
            even: {stroke: faint, color: faint, strokeDash: [3, 3]},
            strip: {fill: colour("bad"), opacity: 0.12},
        },
        text: {fill: text, fontSize: 12},
        line: {strokeWidth: 2},
        area: {opacity: 0.2},
        bar: {color: series[0]},
        view: {stroke: line, fill: "transparent"},
        title: {color: text},
    };
}

// What a pointer rests on, in words.
function showTip(_handler, event, _item, value) {
    tip.hidden = value === null || value === undefined || value === "";
    if (tip.hidden) return;
    const rows = typeof value === "object" ? Object.entries(value) : [["", value]];
    tip.replaceChildren(...rows.map(([key, shown]) => {
        const row = document.createElement("div");
        const name = document.createElement("span");
        name.textContent = key;
        row.append(name, String(shown));
        return row;
    }));
    const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    tip.style.left = Math.max(8, x) + "px";
    tip.style.top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8) + "px";
}

const views = new Map();

async function draw(place) {
    const block = document.getElementById(place.dataset.chart);
    const style = getComputedStyle(document.body);
    const spec = compile(JSON.parse(block.textContent), {config: themeOf(style)}).spec;
    views.get(place)?.finalize();
    const view = new View(parse(spec, null, {ast: true}), {
        container: place, renderer: "svg", hover: true, expr: expressionInterpreter, tooltip: showTip,
    });
    views.set(place, view);
    await view.runAsync();
    place.querySelector("svg")?.setAttribute("role", "img");
}

async function drawAll() {
    let drawn = 0;
    for (const place of document.querySelectorAll("[data-chart]")) {
        try {
            await draw(place);
            drawn++;
        } catch (error) {
            place.textContent = "This chart could not be drawn: " + error.message + ". The table beside it has its numbers.";
            console.error(place.dataset.chart, error);
        }
    }
    document.documentElement.dataset.drawn = String(drawn);
}

dark.addEventListener("change", drawAll);
drawAll();
