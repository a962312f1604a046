// One call: microphone and loudspeaker on one side, a media stream on the other. The messages are
// those of Twilio Media Streams, so that the server sees a telephone call.

import { decode, encode, fromBase64, toBase64 } from "./phone-mulaw.js";

const FRAME_MS = 20;

export class PhoneLine extends EventTarget {
  // Events: `open`, `level` (detail {you, agent}), `over` (detail {code, reason}).

  constructor(url) {
    super();
    this.url = url;
    this.streamSid = `MZ${crypto.randomUUID().replaceAll("-", "")}`;
    this.callSid = `CA${crypto.randomUUID().replaceAll("-", "")}`;
    this.sequence = 0;
    this.chunk = 0;
    this.isMuted = false;
    this.isOver = false;
    this.you = 0;
  }

  async open() {
    this.microphone = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
    this.audio = new AudioContext({ latencyHint: "interactive" });
    await this.audio.audioWorklet.addModule("/phone/phone-worklet.js");
    this.worklet = new AudioWorkletNode(this.audio, "phone", { outputChannelCount: [1] });
    this.worklet.port.onmessage = ({ data }) => this.fromWorklet(data);
    this.audio.createMediaStreamSource(this.microphone).connect(this.worklet);
    this.worklet.connect(this.audio.destination);
    await this.audio.resume();
    await this.connect();
  }

  connect() {
    return new Promise((resolve, reject) => {
      this.socket = new WebSocket(this.url);
      this.socket.onopen = () => {
        this.begin();
        resolve();
        this.emit("open");
      };
      this.socket.onmessage = ({ data }) => this.fromServer(JSON.parse(data));
      this.socket.onclose = ({ code, reason }) => {
        reject(new Error("the server did not take the call"));
        this.end(code, reason);
      };
    });
  }

  begin() {
    this.socket.send(JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }));
    this.send("start", {
      start: {
        streamSid: this.streamSid,
        callSid: this.callSid,
        accountSid: "",
        tracks: ["inbound"],
        customParameters: {},
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
      },
    });
  }

  hangUp() {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.send("stop", { stop: { accountSid: "", callSid: this.callSid } });
      this.socket.close(1000);
    } else {
      this.end(1000, "");
    }
  }

  press(digit) {
    this.send("dtmf", { dtmf: { track: "inbound_track", digit } });
  }

  fromWorklet(data) {
    if (data.frame) this.speak(data.frame);
    else if (data.mark) this.send("mark", { mark: { name: data.mark } });
    else if ("peak" in data) this.emit("level", { you: this.you, agent: data.peak });
  }

  speak(frame) {
    if (this.isMuted) frame.fill(0);
    this.you = frame.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
    const timestamp = String(this.chunk * FRAME_MS);
    this.chunk += 1;
    const payload = toBase64(encode(frame));
    this.send("media", { media: { track: "inbound", chunk: String(this.chunk), timestamp, payload } });
  }

  fromServer(message) {
    if (message.event === "media") {
      this.worklet.port.postMessage({ samples: decode(fromBase64(message.media.payload)) });
    } else if (message.event === "mark") {
      this.worklet.port.postMessage({ mark: message.mark.name });
    } else if (message.event === "clear") {
      this.worklet.port.postMessage({ clear: true });
    }
  }

  send(event, fields) {
    if (this.socket?.readyState !== WebSocket.OPEN) {
      if (event === "media") this.chunk = 0; // the stream begins with its start
      return;
    }
    this.sequence += 1;
    const sequenceNumber = String(this.sequence);
    this.socket.send(JSON.stringify({ event, sequenceNumber, streamSid: this.streamSid, ...fields }));
  }

  end(code, reason) {
    if (this.isOver) return;
    this.isOver = true;
    this.microphone?.getTracks().forEach((track) => track.stop());
    this.audio?.close();
    this.emit("over", { code, reason });
  }

  emit(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
