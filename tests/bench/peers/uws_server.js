// The gateway's protocol (docs/protocol.md) on uWebSockets: join, leave, publish, as short as uWebSockets' own
// examples have it. Its publish gathers what one turn of the loop brings and writes each member once, as ours does.
//   node uws_server.js MODULE PORT
const [modulePath, port] = process.argv.slice(2);
const uws = require(modulePath);
// Node's text decoder would check UTF-8 a second time; uWebSockets has already. Latin-1 keeps every byte as it is.
const text = (message) => Buffer.from(message).toString("latin1");

const app = uws.App();
app.ws("/*", {
    compression: uws.DISABLED,
    idleTimeout: 0,
    sendPingsAutomatically: false,
    maxPayloadLength: 1 << 20,
    maxBackpressure: 1 << 20, // the gateway's queue limit; beyond it uWebSockets leaves messages out
    message: (ws, message, isBinary) => {
        const bytes = Buffer.from(message);
        const blank = bytes.indexOf(32), line = bytes.indexOf(10);
        const verb = text(bytes.subarray(0, blank));
        const room = text(bytes.subarray(blank + 1, line < 0 ? undefined : line));
        if (verb === "publish")
            app.publish(room, bytes.subarray(blank + 1), isBinary);
        else if (verb === "join")
            ws.subscribe(room);
        else if (verb === "leave")
            ws.unsubscribe(room);
    },
}).listen("127.0.0.1", Number(port), (socket) => process.exitCode = socket ? 0 : 1);
