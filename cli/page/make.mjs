// node make.mjs OUT: one script, one style sheet and the page that holds both, with a content policy that names them by
// their hashes and allows nothing else. What `headroom report` puts between is text and data blocks, which never run.
import {createHash} from "node:crypto";
import {readdirSync, readFileSync, writeFileSync} from "node:fs";
import {build} from "esbuild";

const hashOf = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const bundle = await build({
    entryPoints: ["page.mjs"], bundle: true, minify: true, format: "iife", target: "es2020", write: false,
    legalComments: "none", metafile: true,
});
// Whoever hands the page on hands on these packages: their licences go with them, each text once.
function licences(inputs) {
    const texts = new Map();
    const packages = new Set(inputs.map((path) => path.match(/^node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]).filter(Boolean));
    for (const folder of [...packages].sort()) {
        const name = folder.slice("node_modules/".length);
        const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
        const text = file ? readFileSync(`${folder}/${file}`, "utf8").trim().replaceAll("*/", "* /")
                          : `licence: ${JSON.parse(readFileSync(`${folder}/package.json`, "utf8")).license}`;
        texts.set(text, [...(texts.get(text) ?? []), name]);
    }
    return [...texts].map(([text, names]) => `${names.join(", ")}\n\n${text}`).join("\n\n---\n\n");
}

const script = `/*\n${licences(Object.keys(bundle.metafile.inputs))}\n*/\n${bundle.outputFiles[0].text}`;
const style = (await build({entryPoints: ["page.css"], minify: true, write: false})).outputFiles[0].text;
if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style))
    throw new Error("the bundle would end its own element");

const policy = `default-src 'none'; script-src ${hashOf(script)}; style-src ${hashOf(style)}; base-uri 'none'; form-action 'none'`;
const parts = {policy, style, script};
const page = readFileSync("page.html", "utf8").replace(/\{\{(\w+)\}\}/g, (_all, name) => parts[name]);
writeFileSync(process.argv[2], page);
