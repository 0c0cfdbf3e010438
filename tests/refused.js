// What a page hears that is not let in. Arguments: the service's URL and the namespaces to try.
// Prints message and data of each refusal as one JSON object.
const { io } = require("socket.io-client");

const [url, ...namespaces] = process.argv.slice(2);

function refusal(namespace) {
  const socket = io(url + namespace, { transports: ["websocket"], forceNew: true, reconnection: false });
  return new Promise((resolve, reject) => {
    socket.on("connect", () => reject(new Error(`${namespace} let the client in`)));
    socket.on("connect_error", (error) => {
      socket.disconnect();
      resolve({ message: error.message, data: error.data });
    });
  });
}

setTimeout(() => process.exit(2), 30000).unref();
Promise.all(namespaces.map(refusal)).then(
  (refusals) => console.log(JSON.stringify(refusals)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
