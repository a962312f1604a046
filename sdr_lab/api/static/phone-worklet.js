// Runs in the audio thread. In: the microphone, as frames of 20 ms at 8 kHz. Out: what is queued.
// The context runs at whatever rate the machine has; both ways are converted here.

const PHONE_HZ = 8000;
const FRAME = 160;
const RAMP_S = 0.003; // a cut without it is heard as a click

class Phone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / PHONE_HZ;
    this.lowpass = new LowPass(3400, sampleRate);
    this.smooth = new LowPass(3600, sampleRate);
    this.place = 0;
    this.frame = new Float32Array(FRAME);
    this.filled = 0;
    this.queue = []; // { samples, at } or { mark }
    this.now = 0; // last and next phone sample, between which the output is interpolated
    this.next = 0;
    this.between = 1;
    this.gain = 1;
    this.fading = false;
    this.peak = 0;
    this.quanta = 0;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take(message) {
    if (message.samples) this.queue.push({ samples: message.samples, at: 0 });
    else if (message.mark) this.queue.push({ mark: message.mark });
    else if (message.clear) this.clear();
    this.marks();
  }

  clear() {
    for (const item of this.queue) if (item.mark) this.port.postMessage({ mark: item.mark });
    this.queue = [];
    this.fading = true;
  }

  // Marks at the head of the queue: all before them has been played.
  marks() {
    while (this.queue.length && this.queue[0].mark) {
      this.port.postMessage({ mark: this.queue.shift().mark });
    }
  }

  process(inputs, outputs) {
    this.speak(inputs[0][0]);
    this.play(outputs[0]);
    if (++this.quanta % 16 === 0) {
      this.port.postMessage({ peak: this.peak });
      this.peak = 0;
    }
    return true;
  }

  speak(input) {
    const count = input ? input.length : 128; // no microphone yet: silence keeps the time
    for (let i = 0; i < count; i++) {
      const sample = this.lowpass.next(input ? input[i] : 0);
      this.place += 1;
      if (this.place < this.step) continue;
      this.place -= this.step;
      this.frame[this.filled++] = sample;
      if (this.filled === FRAME) {
        this.port.postMessage({ frame: this.frame.slice() });
        this.filled = 0;
      }
    }
  }

  play(channels) {
    const out = channels[0];
    const fade = 1 / (RAMP_S * sampleRate);
    for (let i = 0; i < out.length; i++) {
      this.between += 1 / this.step;
      while (this.between >= 1) {
        this.between -= 1;
        this.now = this.next;
        this.next = this.pull();
      }
      if (this.fading && (this.gain -= fade) <= 0) {
        this.fading = false;
        this.now = this.next = 0;
      }
      if (!this.fading) this.gain = 1;
      const sample = this.now + (this.next - this.now) * this.between;
      out[i] = this.smooth.next(sample * this.gain);
      this.peak = Math.max(this.peak, Math.abs(out[i]));
    }
    for (const other of channels.slice(1)) other.set(out);
  }

  pull() {
    if (this.fading) return this.next;
    this.marks();
    if (!this.queue.length) return 0;
    const head = this.queue[0];
    const sample = head.samples[head.at++];
    if (head.at === head.samples.length) this.queue.shift();
    return sample;
  }
}

// Two biquads in a row: 24 dB an octave (Butterworth), so that nothing folds back below 4 kHz.
class LowPass {
  constructor(cutoffHz, rateHz) {
    const qualities = [0.541, 1.307];
    this.sections = qualities.map((q) => {
      const w = (2 * Math.PI * Math.min(cutoffHz, rateHz * 0.45)) / rateHz;
      const alpha = Math.sin(w) / (2 * q);
      const a0 = 1 + alpha;
      const b1 = (1 - Math.cos(w)) / a0;
      return { b0: b1 / 2, b1, a1: (-2 * Math.cos(w)) / a0, a2: (1 - alpha) / a0, z1: 0, z2: 0 };
    });
  }

  next(sample) {
    let value = sample;
    for (const s of this.sections) {
      const out = s.b0 * value + s.z1;
      s.z1 = s.b1 * value - s.a1 * out + s.z2;
      s.z2 = s.b0 * value - s.a2 * out;
      value = out;
    }
    return value;
  }
}

registerProcessor("phone", Phone);
