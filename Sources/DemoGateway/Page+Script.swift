extension Page {
    /// The page's script: opens the WebSocket with the connect handshake, and streams an answer by fetch.
    static let script = """
        "use strict";
        const byId = (id) => document.getElementById(id);

        // WebSocket: challenge, connect, hello-ok, then ticks and echoes.
        let socket;
        let ticks = 0;
        let retry = 1000;

        function show(state, text) {
          byId("socket-state").textContent = text;
          byId("socket-dot").className = "dot " + state;
          byId("echo-send").disabled = state !== "open";
        }

        function log(text) {
          const lines = (byId("echo-log").textContent + text + "\\n").split("\\n");
          byId("echo-log").textContent = lines.slice(-100).join("\\n");
          byId("echo-log").scrollTop = byId("echo-log").scrollHeight;
        }

        function connectFrame() {
          const token = byId("chat-token").value;
          return JSON.stringify({
            type: "req", id: "1", method: "connect",
            params: {
              minProtocol: 4, maxProtocol: 4,
              client: { id: "openclaw-control-ui", version: "demo", platform: "web", mode: "webchat" },
              role: "operator", scopes: ["operator.read", "operator.write"], caps: [],
              auth: token ? { token } : {},
            },
          });
        }

        function received(event) {
          let message;
          try { message = JSON.parse(event.data); } catch { return log("echo: " + event.data); }
          if (message.event === "connect.challenge") return socket.send(connectFrame());
          if (message.event === "tick") {
            byId("ticks").textContent = String(++ticks);
            return;
          }
          if (message.type === "res" && message.id === "1") {
            if (!message.ok) return show("bad", "Refused: " + message.error.message);
            retry = 1000;
            byId("connection").textContent = message.payload.server.connId;
            return show("open", "Connected, a tick every " + message.payload.policy.tickIntervalMs / 1000 + " s");
          }
          log("echo: " + event.data);
        }

        function open() {
          show("", "Connecting");
          const scheme = location.protocol === "https:" ? "wss://" : "ws://";
          socket = new WebSocket(scheme + location.host + "/");
          socket.onmessage = received;
          socket.onclose = (event) => {
            const reason = event.reason ? ", " + event.reason : "";
            show("bad", "Closed (" + event.code + reason + "). Trying again.");
            setTimeout(open, retry);
            retry = Math.min(retry * 2, 30000);
          };
        }

        byId("echo-form").addEventListener("submit", (event) => {
          event.preventDefault();
          if (socket.readyState === WebSocket.OPEN) socket.send("you wrote: " + byId("echo-text").value);
        });

        // Server-sent events by fetch, with the page's own Authorization field.
        async function ask(prompt, token) {
          const headers = { "Content-Type": "application/json" };
          if (token) headers["Authorization"] = "Bearer " + token;
          const start = performance.now();
          const response = await fetch("/v1/chat/completions", {
            method: "POST", headers,
            body: JSON.stringify({ model: "openclaw/default", stream: true, messages: [{ role: "user", content: prompt }] }),
          });
          if (!response.ok) throw new Error("the gateway answered " + response.status);
          const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
          let rest = "";
          let words = 0;
          let first = 0;
          for (;;) {
            const { done, value } = await reader.read();
            if (done) break;
            const events = (rest + value).split("\\n\\n");
            rest = events.pop();
            for (const text of events) {
              const data = text.replace(/^data: /, "");
              if (data === "[DONE]") continue;
              const word = JSON.parse(data).choices[0].delta.content;
              if (!word) continue;
              if (words++ === 0) first = performance.now() - start;
              byId("chat-answer").textContent += word;
            }
          }
          const all = performance.now() - start;
          return words + " words, the first after " + Math.round(first) + " ms, the last after " + Math.round(all) + " ms";
        }

        byId("chat-form").addEventListener("submit", async (event) => {
          event.preventDefault();
          byId("chat-answer").textContent = "";
          byId("chat-state").textContent = "Asking";
          try {
            byId("chat-state").textContent = await ask(byId("chat-text").value, byId("chat-token").value);
          } catch (error) {
            byId("chat-state").textContent = "Failed: " + error.message;
          }
        });

        if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => {});
        open();

        """
}
