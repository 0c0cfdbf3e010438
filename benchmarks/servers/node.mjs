// socket.io and Node's own HTTP server: `node node.mjs PORT`.
import { createServer } from "node:http";
import { createRequire } from "node:module";

const { Server } = createRequire(`${process.cwd()}/`)("socket.io");

const http = createServer((request, response) => {
  const answer = (body) => {
    const text = JSON.stringify(body);
    response.writeHead(200, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(text),
    });
    response.end(text);
  };
  if (request.method === "GET") {
    answer({ message: "hello" });
    return;
  }
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => answer(JSON.parse(Buffer.concat(parts))));
});
const bench = new Server(http).of("/bench");

bench.on("connection", (socket) => {
  socket.on("echo", (payload, answer) => answer(payload));
  socket.on("model", (payload, answer) => answer(payload));
  socket.on("join", (answer) => {
    socket.join("all");
    answer();
  });
  socket.on("tell", (payload, answer) => {
    bench.to("all").emit("told", payload);
    answer();
  });
});
http.listen(Number(process.argv[2]), "127.0.0.1", 4096);
