// The audio thread: the microphone at 16 kHz in packets of 20 ms, and what is heard, through a small buffer.
const RATE = 16000;
const PACKET = 320;

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / RATE;
    this.position = 0;
    this.sum = 0;
    this.count = 0;
    this.packet = new Int16Array(PACKET);
    this.filled = 0;
    this.peak = 0;
  }
  push(sample) {
    this.peak = Math.max(this.peak, Math.abs(sample));
    this.packet[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32767)));
    if (this.filled < PACKET) return;
    this.port.postMessage({ pcm: this.packet.buffer, peak: this.peak }, [this.packet.buffer]);
    this.packet = new Int16Array(PACKET);
    this.filled = 0;
    this.peak = 0;
  }
  process(inputs) {
    const samples = inputs[0][0];
    if (!samples) return true;
    if (this.step === 1) {
      for (const sample of samples) this.push(sample);
      return true;
    }
    // The mean of what falls into each sample of the lower rate: a filter good enough for speech.
    for (const sample of samples) {
      this.sum += sample;
      ++this.count;
      if (++this.position >= this.step) {
        this.position -= this.step;
        this.push(this.sum / this.count);
        this.sum = this.count = 0;
      }
    }
    return true;
  }
}

class Loudspeaker extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = RATE / sampleRate;
    this.queue = [];
    this.at = 0;
    this.waiting = 0;
    this.playing = false;
    this.last = 0;
    this.peak = this.played = 0;
    this.port.onmessage = ({ data }) => {
      const pcm = new Int16Array(data);
      this.queue.push(pcm);
      this.waiting += pcm.length;
    };
  }
  process(_inputs, outputs) {
    const out = outputs[0][0];
    if (!this.playing && this.waiting >= 2 * PACKET) this.playing = true;
    for (let i = 0; i < out.length; ++i) {
      if (!this.playing || this.queue.length === 0) {
        this.playing = false;
        out[i] = this.last *= 0.98;
        continue;
      }
      this.last = out[i] = this.queue[0][Math.floor(this.at)] / 32768;
      this.peak = Math.max(this.peak, Math.abs(this.last));
      this.at += this.step;
      if (this.at >= this.queue[0].length) {
        this.at -= this.queue[0].length;
        this.waiting -= this.queue[0].length;
        this.queue.shift();
      }
    }
    this.played += out.length;
    if (this.played >= sampleRate / 50) {
      if (this.peak > 0) this.port.postMessage(this.peak);
      this.played = this.peak = 0;
    }
    return true;
  }
}

registerProcessor('microphone', Microphone);
registerProcessor('loudspeaker', Loudspeaker);
