'use strict';
// The picture: a sea at night, drawn in code. drawScene() animates by itself; with reduced motion it draws once per size.

function drawScene(canvas) {
  const ctx = canvas.getContext('2d');
  const still = matchMedia('(prefers-reduced-motion: reduce)');
  let width = 0;
  let height = 0;
  let horizon = 0;
  let moon;
  let stars = [];
  let sky;
  let shown = 0;

  // The same sky for everybody: a small generator with a fixed seed.
  function random(seed) {
    let state = seed;
    return () => {
      state = (state * 1664525 + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
  }

  function layOut() {
    const scale = Math.min(devicePixelRatio || 1, 2);
    width = canvas.clientWidth;
    height = canvas.clientHeight;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    ctx.setTransform(scale, 0, 0, scale, 0, 0);
    horizon = height * 0.62;
    moon = { x: width * 0.68, y: height * 0.25, r: Math.max(22, Math.min(width, height) * 0.062) };
    const next = random(7);
    stars = Array.from({ length: Math.round(width * horizon / 3800) }, () => ({
      x: next() * width, y: next() ** 1.3 * horizon * 0.97, r: 0.4 + next() ** 3 * 1.3, phase: next() * 7, pace: 0.4 + next(),
    }));
    sky = paintSky(scale);
  }

  function paintSky(scale) {
    const layer = document.createElement('canvas');
    layer.width = canvas.width;
    layer.height = canvas.height;
    const c = layer.getContext('2d');
    c.scale(scale, scale);
    const air = c.createLinearGradient(0, 0, 0, horizon);
    [[0, '#050a1c'], [0.45, '#0d1d42'], [0.8, '#21406e'], [1, '#44648c']].forEach(([at, colour]) => air.addColorStop(at, colour));
    c.fillStyle = air;
    c.fillRect(0, 0, width, horizon);
    // A faint band of the Milky Way.
    c.save();
    c.translate(width * 0.3, 0);
    c.rotate(0.5);
    const band = c.createLinearGradient(-height * 0.16, 0, height * 0.16, 0);
    band.addColorStop(0, 'rgb(150 180 255 / 0)');
    band.addColorStop(0.5, 'rgb(150 180 255 / 9%)');
    band.addColorStop(1, 'rgb(150 180 255 / 0)');
    c.fillStyle = band;
    c.fillRect(-height * 0.2, -height * 0.5, height * 0.4, height * 2);
    c.restore();
    // Moonlight in the air, then the moon with its seas.
    const glow = c.createRadialGradient(moon.x, moon.y, moon.r * 0.8, moon.x, moon.y, moon.r * 7);
    glow.addColorStop(0, 'rgb(255 240 205 / 42%)');
    glow.addColorStop(0.25, 'rgb(220 225 245 / 14%)');
    glow.addColorStop(1, 'rgb(200 215 255 / 0)');
    c.fillStyle = glow;
    c.fillRect(0, 0, width, horizon);
    c.fillStyle = '#fdf4dc';
    c.beginPath();
    c.arc(moon.x, moon.y, moon.r, 0, 7);
    c.fill();
    c.fillStyle = 'rgb(190 180 165 / 32%)';
    for (const [dx, dy, r] of [[-0.3, -0.22, 0.26], [0.12, -0.42, 0.15], [0.28, 0.12, 0.22], [-0.2, 0.36, 0.18], [0.42, -0.2, 0.1]]) {
      c.beginPath();
      c.arc(moon.x + dx * moon.r, moon.y + dy * moon.r, r * moon.r, 0, 7);
      c.fill();
    }
    return layer;
  }

  function drawStars(t) {
    for (const star of stars) {
      if (Math.hypot(star.x - moon.x, star.y - moon.y) < moon.r * 1.9) continue;
      ctx.globalAlpha = 0.45 + 0.45 * Math.sin(t * star.pace + star.phase);
      ctx.fillStyle = '#eaf1ff';
      ctx.beginPath();
      ctx.arc(star.x, star.y, star.r, 0, 7);
      ctx.fill();
    }
    ctx.globalAlpha = 1;
  }

  function ridge(seed, base, rise, from, to, colour) {
    const next = random(seed);
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.moveTo(from, base);
    const steps = 26;
    for (let i = 0; i <= steps; i++) {
      const x = i / steps;
      const hump = Math.sin(x * Math.PI) ** 0.8 * (0.55 + 0.3 * Math.sin(x * 9 + seed) + 0.15 * next());
      ctx.lineTo(from + x * (to - from), base - rise * hump);
    }
    ctx.lineTo(to, base);
    ctx.fill();
  }

  function drawLand(t) {
    ridge(3, horizon + 1, height * 0.075, width * 0.3, width * 0.86, '#1f3760');
    ridge(5, horizon + 1, height * 0.055, width * 0.72, width * 1.15, '#172b50');
    ridge(11, horizon + 2, height * 0.1, -width * 0.16, width * 0.27, '#0a1530');
    // The lighthouse, and its beam going round: bright when it points here, narrow when it points away.
    const x = width * 0.115;
    const foot = horizon - height * 0.055;
    const tall = height * 0.17;
    const top = foot - tall;
    const turn = t * 0.55;
    const reach = Math.cos(turn) * width * 0.75;
    const towards = Math.max(0, Math.sin(turn));
    const beam = ctx.createLinearGradient(x, top, x + reach, top);
    beam.addColorStop(0, 'rgb(255 226 150 / 55%)');
    beam.addColorStop(1, 'rgb(255 226 150 / 0)');
    ctx.fillStyle = beam;
    ctx.globalCompositeOperation = 'lighter';
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x + reach, top - height * (0.035 + 0.05 * towards));
    ctx.lineTo(x + reach, top + height * (0.045 + 0.05 * towards));
    ctx.fill();
    const flare = ctx.createRadialGradient(x, top, 0, x, top, height * (0.05 + 0.12 * towards));
    flare.addColorStop(0, 'rgb(255 240 190 / 90%)');
    flare.addColorStop(1, 'rgb(255 220 140 / 0)');
    ctx.fillStyle = flare;
    ctx.fillRect(x - height * 0.2, top - height * 0.2, height * 0.4, height * 0.4);
    ctx.globalCompositeOperation = 'source-over';
    const w = tall * 0.12;
    ctx.fillStyle = '#cfd8ea';
    ctx.beginPath();
    ctx.moveTo(x - w, foot + 4);
    ctx.lineTo(x - w * 0.6, top + tall * 0.1);
    ctx.lineTo(x + w * 0.6, top + tall * 0.1);
    ctx.lineTo(x + w, foot + 4);
    ctx.fill();
    ctx.fillStyle = '#a8394a';
    for (const at of [0.3, 0.62]) {
      const spread = w * (0.6 + 0.4 * (at - 0.1) / 0.9);
      ctx.fillRect(x - spread, top + tall * at, spread * 2, tall * 0.13);
    }
    ctx.fillStyle = '#0a1530';
    ctx.fillRect(x - w * 0.95, top + tall * 0.075, w * 1.9, tall * 0.03);
    ctx.fillRect(x - w * 0.5, top - tall * 0.075, w, tall * 0.03);
    ctx.fillStyle = '#ffe9a8';
    ctx.fillRect(x - w * 0.42, top - tall * 0.05, w * 0.84, tall * 0.125);
  }

  const swell = (x, t, row) => Math.sin(x * 0.011 + t * 0.55 + row * 1.7) + 0.5 * Math.sin(x * 0.027 - t * 0.8 + row);

  function drawSea(t) {
    const water = ctx.createLinearGradient(0, horizon, 0, height);
    [[0, '#35567d'], [0.12, '#1d3a63'], [0.5, '#0d1f40'], [1, '#050b1a']].forEach(([at, colour]) => water.addColorStop(at, colour));
    ctx.fillStyle = water;
    ctx.fillRect(0, horizon, width, height - horizon);
    // The moon's road: strokes of light that widen towards us.
    ctx.globalCompositeOperation = 'lighter';
    const rows = 60;
    const next = random(23);
    for (let row = 0; row < rows; row++) {
      const depth = row / rows;
      const y = horizon + 2 + (height - horizon) * depth ** 1.5;
      const spread = moon.r * (0.5 + depth * 3.4);
      for (let k = 0; k < 4; k++) {
        const offset = (next() - 0.5) * 2;
        const pulse = Math.sin(t * (0.8 + next()) + row * 0.9 + k * 2.1);
        if (pulse < -0.1) continue;
        const length = (5 + 34 * depth) * (0.4 + pulse);
        ctx.fillStyle = `rgb(255 236 195 / ${(0.34 * (1 - Math.abs(offset)) * (1 - depth * 0.5)).toFixed(3)})`;
        ctx.fillRect(moon.x + offset * spread - length / 2, y + swell(moon.x, t, row * 0.2) * depth * 3, length, 1 + depth * 1.8);
      }
    }
    ctx.globalCompositeOperation = 'source-over';
    drawBoat(t);
    for (let row = 0; row < 7; row++) {
      const depth = (row + 1) / 7;
      const y = horizon + (height - horizon) * depth ** 1.35 * 0.98;
      ctx.beginPath();
      ctx.moveTo(0, height);
      for (let x = 0; x <= width + 12; x += 12) ctx.lineTo(x, y + swell(x / (0.5 + depth), t * (0.6 + depth * 0.5), row) * (1 + depth * 6));
      ctx.lineTo(width, height);
      ctx.fillStyle = `rgb(5 13 32 / ${(0.13 + depth * 0.09).toFixed(2)})`;
      ctx.fill();
      ctx.strokeStyle = `rgb(150 190 235 / ${(0.12 - depth * 0.05).toFixed(2)})`;
      ctx.lineWidth = 1;
      ctx.stroke();
    }
  }

  function drawBoat(t) {
    const s = Math.max(0.7, Math.min(width, height * 1.6) / 900);
    const x = width * 0.42;
    const y = horizon + (height - horizon) * 0.16 + swell(x, t, 2) * 2.2;
    ctx.save();
    ctx.translate(x, y);
    ctx.rotate(Math.sin(t * 0.7) * 0.035);
    ctx.scale(s, s);
    ctx.fillStyle = '#07101f';
    ctx.beginPath();
    ctx.moveTo(-46, -8);
    ctx.quadraticCurveTo(-40, 8, -26, 9);
    ctx.lineTo(28, 9);
    ctx.quadraticCurveTo(44, 6, 52, -11);
    ctx.fill();
    ctx.fillRect(-2, -78, 2.4, 72);
    ctx.fillStyle = 'rgb(222 230 246 / 85%)';
    ctx.beginPath();
    ctx.moveTo(4, -74);
    ctx.quadraticCurveTo(40, -40, 42, -15);
    ctx.lineTo(4, -13);
    ctx.fill();
    ctx.fillStyle = 'rgb(180 196 226 / 75%)';
    ctx.beginPath();
    ctx.moveTo(-5, -66);
    ctx.quadraticCurveTo(-26, -36, -36, -13);
    ctx.lineTo(-5, -13);
    ctx.fill();
    const lamp = ctx.createRadialGradient(-30, -17, 0, -30, -17, 26);
    lamp.addColorStop(0, 'rgb(255 214 130 / 95%)');
    lamp.addColorStop(0.2, 'rgb(255 190 90 / 45%)');
    lamp.addColorStop(1, 'rgb(255 170 70 / 0)');
    ctx.fillStyle = lamp;
    ctx.fillRect(-60, -47, 60, 60);
    ctx.restore();
  }

  function frame(ms) {
    // Thirty pictures a second are enough for water.
    if (!still.matches) requestAnimationFrame(frame);
    if (ms - shown < 30 && !still.matches) return;
    shown = ms;
    const t = ms / 1000;
    ctx.drawImage(sky, 0, 0, width, height);
    drawStars(t);
    drawLand(t);
    drawSea(t);
  }

  new ResizeObserver(() => {
    layOut();
    if (still.matches) frame(9000);
  }).observe(canvas);
  still.addEventListener('change', () => requestAnimationFrame(frame));
  layOut();
  requestAnimationFrame(frame);
}
