// The page: asks for a stream, holds the line, shows what happens.

import { PhoneLine } from "./phone-line.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

const at = (id) => document.getElementById(id);
let line = null;
let begun = 0;
let clock = 0;

function show(state, text) {
  at("state").dataset.state = state;
  at("state").textContent = text;
}

function note(text) {
  const row = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString();
  row.append(time, text);
  at("log").prepend(row);
}

function headers() {
  const key = at("key").value.trim();
  return key ? { "xi-api-key": key } : {};
}

async function ask(method, path, body) {
  const reply = await fetch(path, {
    method,
    headers: { ...headers(), ...(body ? { "content-type": "application/json" } : {}) },
    body: body ? JSON.stringify(body) : undefined,
  });
  const data = await reply.json().catch(() => ({}));
  if (reply.status === 401) {
    at("key-row").hidden = false;
    at("key").focus();
  }
  if (!reply.ok) throw new Error(data.error ?? `the server answered ${reply.status}`);
  return data;
}

function variables() {
  const rows = at("variables").value.split("\n").map((row) => row.trim()).filter(Boolean);
  return Object.fromEntries(
    rows.map((row) => {
      const [name, ...rest] = row.split("=");
      return [name.trim(), rest.join("=").trim()];
    }),
  );
}

function streamUrl(token) {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}/media-stream/${token}`;
}

async function call(event) {
  event.preventDefault();
  at("call").disabled = true;
  try {
    sessionStorage.setItem("sdr_lab.key", at("key").value.trim());
    show("dialling", "Calling…");
    const stream = await ask("POST", "/v1/convai/streams", {
      agent_id: at("agent").value.trim(),
      phone_number: at("number").value.trim(),
      dynamic_variables: variables(),
    });
    line = new PhoneLine(streamUrl(stream.token));
    line.addEventListener("level", ({ detail }) => {
      at("you").value = Math.min(1, 2 * detail.you);
      at("agent-level").value = Math.min(1, 2 * detail.agent);
    });
    line.addEventListener("over", ({ detail }) => over(detail));
    await line.open();
    note(`Conversation ${stream.conversation_id}`);
    talking();
  } catch (error) {
    line?.hangUp();
    over({ code: 0, reason: "" });
    show("failed", "Not connected");
    note(error.name === "NotAllowedError" ? "The microphone was not allowed." : error.message);
  }
}

function talking() {
  begun = Date.now();
  at("setup").hidden = true;
  at("in-call").hidden = false;
  at("hang-up").focus();
  const tick = () => {
    const s = Math.floor((Date.now() - begun) / 1000);
    show("talking", `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`);
  };
  tick();
  clock = setInterval(tick, 500);
}

function over({ code, reason }) {
  clearInterval(clock);
  line = null;
  at("setup").hidden = false;
  at("in-call").hidden = true;
  at("call").disabled = false;
  at("mute").setAttribute("aria-pressed", "false");
  if (begun) {
    note(reason ? `Call over: ${reason}` : "Call over");
    show(code === 1000 || code === 1005 ? "idle" : "failed", "Call over");
    at("call").focus();
  }
  begun = 0;
}

function mute() {
  if (!line) return;
  line.isMuted = !line.isMuted;
  at("mute").setAttribute("aria-pressed", String(line.isMuted));
}

function press(digit) {
  line?.press(digit);
  note(`Pressed ${digit}`);
}

async function listAgents() {
  try {
    const { agents } = await ask("GET", "/v1/convai/agents?page_size=100");
    for (const agent of agents) {
      const option = document.createElement("option");
      option.value = agent.agent_id;
      option.label = agent.name;
      at("agents").append(option);
    }
  } catch (error) {
    note(error.message);
  }
}

for (const digit of KEYS) {
  const key = document.createElement("button");
  key.type = "button";
  key.textContent = digit;
  key.setAttribute("aria-label", `Press ${digit}`);
  key.addEventListener("click", () => press(digit));
  at("keypad").append(key);
}
at("setup").addEventListener("submit", call);
at("hang-up").addEventListener("click", () => line?.hangUp());
at("mute").addEventListener("click", mute);
document.addEventListener("keydown", (event) => {
  if (line && KEYS.includes(event.key) && !event.target.matches("input, textarea")) press(event.key);
});
at("key").value = sessionStorage.getItem("sdr_lab.key") ?? "";
listAgents();
