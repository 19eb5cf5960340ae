// A spoken call: microphone and loudspeaker through audio worklets, and our WebSocket protocol
// (docs/formats/websocket.md). A lost connection, or a reload of the page, takes the call up again.
import { bearer } from './server.js';

const STORE = 'sotto-call';
const TRY_FOR_MS = 20000;

export function storedCall() {
  try { return JSON.parse(sessionStorage.getItem(STORE)); } catch { return null; }
}

export class Call {
  // `on`: event(json), state('connecting' | 'on' | 'lost' | 'over', sentence), and peaks of what is heard(0..1)
  // and played(0..1)
  constructor(on) {
    this.on = on;
    this.last = 0;
    this.over = false;
    this.lostAt = 0;
  }

  async start(workflow) {
    await this.openAudio();
    this.first = { type: 'start', workflow, input: 'pcm16/16000', output: 'pcm16/16000' };
    await this.connect();
  }

  async resume(stored) {
    this.session = stored.session;
    this.secret = stored.secret;
    await this.openAudio();
    await this.connect();
  }

  async openAudio() {
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: false, autoGainControl: true, channelCount: 1 },
    });
    this.context = new AudioContext({ sampleRate: 16000 });
    let source;
    try {
      source = this.context.createMediaStreamSource(this.stream);
    } catch {  // browsers that do not resample the microphone
      await this.context.close();
      this.context = new AudioContext();
      source = this.context.createMediaStreamSource(this.stream);
    }
    await this.context.audioWorklet.addModule('/worklets.js');
    this.microphone = new AudioWorkletNode(this.context, 'microphone', { numberOfOutputs: 0 });
    this.loudspeaker = new AudioWorkletNode(this.context, 'loudspeaker', { numberOfInputs: 0, outputChannelCount: [1] });
    source.connect(this.microphone);
    this.loudspeaker.connect(this.context.destination);
    this.loudspeaker.port.onmessage = ({ data }) => this.on.played(data);
    this.microphone.port.onmessage = ({ data }) => {
      this.on.heard(data.peak);
      if (this.socket?.readyState === WebSocket.OPEN && this.started) this.socket.send(data.pcm);
    };
    // After a reload nothing may sound before the page is touched.
    this.context.resume();
    if (this.context.state !== 'running') {
      for (const kind of ['pointerdown', 'keydown']) {
        document.addEventListener(kind, () => this.context.resume(), { once: true });
      }
    }
  }

  async connect() {
    this.on.state('connecting', 'Connecting');
    const first = this.session
      ? { type: 'resume', session: this.session, secret: this.secret, after: this.last }
      : { ...this.first };
    const who = await bearer();
    if (who && first.type === 'start') first.token = who;
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/voice`);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.started = false;
    socket.onopen = () => {
      socket.send(JSON.stringify(first));
      if (first.type === 'resume') this.listening();  // nothing may have been missed
    };
    socket.onmessage = ({ data }) => {
      if (typeof data !== 'string') return this.loudspeaker.port.postMessage(data, [data]);
      this.handle(JSON.parse(data));
    };
    socket.onclose = ({ code, reason }) => {
      if (this.socket !== socket || this.over) return;
      if (code === 1000 || code === 1008 || code === 1013) return this.end(this.sentence || reason || 'The call is over');
      this.lost();
    };
  }

  handle(event) {
    if (event.event) {
      if (event.event <= this.last) return;
      this.last = event.event;
    }
    if (event.type === 'error') {
      this.sentence = event.detail;
      this.on.event(event);
      if (event.status === 404) this.forget();
      return;
    }
    if (event.type === 'started') {
      this.session = event.session;
      this.secret = event.secret;
      sessionStorage.setItem(STORE, JSON.stringify({ session: this.session, secret: this.secret }));
    }
    if (!this.started) this.listening();
    this.on.event(event);
    if (event.type === 'ended') this.end(event.reason === 'handed_off' ? 'Handed to a person' : 'The call is over');
  }

  listening() {
    this.started = true;
    this.lostAt = 0;
    this.on.state('on', 'Listening');
  }

  lost() {
    this.started = false;
    this.lostAt ||= Date.now();
    if (!this.session || Date.now() - this.lostAt > TRY_FOR_MS) return this.end('The connection was lost');
    this.on.state('lost', 'Connection lost, trying again');
    this.retry = setTimeout(() => this.connect(), 700);
  }

  hangUp() {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ type: 'end' }));
    } else {
      this.end('The call is over');
    }
  }

  forget() { sessionStorage.removeItem(STORE); }

  end(sentence) {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.retry);
    this.forget();
    this.socket?.close(1000);
    this.stream?.getTracks().forEach((track) => track.stop());
    setTimeout(() => this.context?.close(), 600);  // the last words are still in the buffer
    this.on.state('over', sentence);
  }
}
