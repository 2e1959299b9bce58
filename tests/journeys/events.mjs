// A client of the event feed: Node's own WebSocket. Prints each message as a line, then "closed CODE"; says what it reads on its input.
const feed = new WebSocket(process.env.MERIDIAN_URL.replace(/^http/, "ws") + "/meridian/v1/events", {
  headers: { Authorization: "Bearer " + process.env.MERIDIAN_SECRET_KEY },
});
feed.onmessage = (event) => console.log(event.data);
feed.onclose = (event) => { console.log("closed " + event.code); process.exit(0); };
process.stdin.on("data", (text) => feed.send(String(text)));
