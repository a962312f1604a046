// G.711 µ-law: 16 bit samples to bytes and back, by table; base64 as the stream wants it.

const BIAS = 132;
const CLIP = 32635;

const decoded = new Float32Array(256);
for (let code = 0; code < 256; code++) {
  const bits = ~code & 0xff;
  const magnitude = (((bits & 0x0f) << 3) + BIAS) << ((bits & 0x70) >> 4);
  decoded[code] = (bits & 0x80 ? BIAS - magnitude : magnitude - BIAS) / 32768;
}

function encodeSample(sample) {
  let value = Math.max(-1, Math.min(1, sample)) * 32767;
  const sign = value < 0 ? 0x80 : 0;
  value = Math.min(CLIP, Math.abs(Math.round(value))) + BIAS;
  const exponent = Math.floor(Math.log2(value)) - 7;
  const mantissa = (value >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

export function encode(samples) {
  return Uint8Array.from(samples, encodeSample);
}

export function decode(bytes) {
  return Float32Array.from(bytes, (code) => decoded[code]);
}

export function toBase64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
