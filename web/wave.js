// What is heard, as it is heard: the user's sound above the line, Sotto's below, the newest at the right.
const PITCH = 4;        // pixels a bar
const EVERY_MS = 40;    // a bar
const LOUD = 0.5;       // this peak fills the height

export class Wave {
  constructor(canvas) {
    this.canvas = canvas;
    this.bars = [];
    this.you = this.sotto = 0;
  }
  hear(you) { this.you = Math.max(this.you, you); }
  play(sotto) { this.sotto = Math.max(this.sotto, sotto); }

  start() {
    if (this.timer) return;
    this.bars = [];
    this.timer = setInterval(() => this.step(), EVERY_MS);
  }
  stop() {
    clearInterval(this.timer);
    this.timer = null;
  }

  step() {
    const { canvas } = this;
    const scale = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (canvas.width !== width * scale) { canvas.width = width * scale; canvas.height = height * scale; }
    this.bars.push([this.you, this.sotto]);
    this.you = this.sotto = 0;
    while (this.bars.length > width / PITCH) this.bars.shift();
    const style = getComputedStyle(canvas);
    const draw = canvas.getContext('2d');
    draw.setTransform(scale, 0, 0, scale, 0, 0);
    draw.clearRect(0, 0, width, height);
    const half = height / 2;
    const tall = (peak) => Math.max(1, Math.sqrt(Math.min(1, peak / LOUD)) * (half - 2));
    for (const [color, side, sign] of [['--words', 0, -1], ['--reply', 1, 1]]) {
      draw.fillStyle = style.getPropertyValue(color);
      this.bars.forEach((bar, i) => {
        const h = tall(bar[side]);
        draw.fillRect(width - (this.bars.length - i) * PITCH, sign < 0 ? half - 1 - h : half + 1, PITCH - 1.5, h);
      });
    }
  }
}
