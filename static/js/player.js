/* The player: our own transport over a plain <video controls>, which stays when there is no script.
   Expects <figure class="player" data-player data-fps="24" data-name="stem"> with a <video> in .player__frame and
   the controls of templates/core/_player_controls.html. "#t=2.14" in the address seeks on opening; data-sprite="url" names a strip of
   frames in a row, which becomes the scrub bar. Players that htmx brings in later are set up too. */

import { copyText } from "./copy.js";
import { bind } from "./keys.js";
import { toast } from "./toast.js";
import { word } from "./words.js";

const SPEEDS = [0.25, 0.5, 1, 1.5, 2];
const SHORT = 15; // seconds up to which a clip loops by itself

/** 2.14 seconds as "0:02.14"; cut, not rounded, so that the end never reads as more than the length. */
export function exact(seconds) {
  const hundredths = Math.floor(Math.max(0, seconds || 0) * 100 + 1e-6);
  const two = (n) => String(n).padStart(2, "0");
  return `${Math.floor(hundredths / 6000)}:${two(Math.floor(hundredths / 100) % 60)}.${two(hundredths % 100)}`;
}

class Player {
  constructor(figure) {
    this.figure = figure;
    this.video = figure.querySelector("video");
    this.controls = figure.querySelector("[data-player-controls]");
    this.frameLength = 1 / (Number(figure.dataset.fps) || 24);
    this.scrub = this.controls.querySelector("[data-player-scrub]");
    this.find = (name) => this.controls.querySelector(name);
    this.video.controls = false;
    this.controls.hidden = false;
    figure.dataset.keep = ""; // a live update leaves a running player alone
    this.listen();
    this.showStrip(figure.dataset.sprite);
    if (this.video.readyState >= 1) this.loaded();
    this.draw();
  }

  listen() {
    const { video } = this;
    video.addEventListener("loadedmetadata", () => this.loaded());
    video.addEventListener("click", () => this.play());
    for (const name of ["play", "pause", "volumechange", "ratechange", "timeupdate", "seeked", "progress"]) {
      video.addEventListener(name, () => this.draw());
    }
    video.addEventListener("play", () => this.follow());
    video.addEventListener("error", () => this.giveBack());
    this.scrub.addEventListener("input", () => this.seek(Number(this.scrub.value)));
    this.controls.addEventListener("click", (event) => {
      const action = event.target.closest("[data-player-do]")?.dataset.playerDo;
      if (action) this[action]();
    });
  }

  loaded() {
    const { duration } = this.video;
    if (!Number.isFinite(duration)) return;
    this.scrub.max = duration;
    this.video.loop = duration < SHORT;
    this.find("[data-player-length]").textContent = exact(duration);
    this.seekToAddress();
    this.draw();
  }

  showStrip(url) {
    if (!url) return;
    const strip = Object.assign(new Image(), { className: "player__strip", alt: "", src: url });
    strip.addEventListener("load", () => {
      this.find(".player__scrub").prepend(strip);
      this.figure.classList.add("player--strip");
    });
  }

  /** Our controls are no use on a clip that cannot be read; the browser's own say why. */
  giveBack() {
    this.video.controls = true;
    this.controls.hidden = true;
  }

  seekToAddress() {
    const wanted = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
    if (wanted) this.seek(Number(wanted[1]));
  }

  seek(seconds) {
    const end = this.video.duration || 0;
    this.video.currentTime = Math.min(Math.max(0, seconds), Math.max(0, end - 0.001));
    this.draw();
  }

  /** Frame by frame: to the middle of the neighbouring frame, where no rounding can show the same one twice. */
  step(by) {
    this.video.pause();
    const frame = Math.floor(this.video.currentTime / this.frameLength + 1e-3);
    this.seek((frame + by + 0.5) * this.frameLength);
  }

  back() { this.step(-1); }
  forward() { this.step(1); }

  play() {
    if (this.video.paused) this.video.play().catch(() => this.draw()); // refused by the browser: the button shows it
    else this.video.pause();
  }

  loop() {
    this.video.loop = !this.video.loop;
    this.draw();
  }

  speed(by = 0) {
    const at = SPEEDS.indexOf(this.video.playbackRate);
    const next = by ? Math.min(Math.max(at + by, 0), SPEEDS.length - 1) : (at + 1) % SPEEDS.length;
    this.video.playbackRate = SPEEDS[next];
  }

  mute() { this.video.muted = !this.video.muted; }

  fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.figure.requestFullscreen) this.figure.requestFullscreen();
    else this.video.webkitEnterFullscreen?.(); // iPhones give full screen to the video alone
  }

  link() {
    const address = new URL(location.href);
    address.hash = `t=${this.video.currentTime.toFixed(2)}`;
    history.replaceState(history.state, "", address);
    copyText(address.href, word("linkCopied"));
  }

  save() {
    const { video } = this;
    if (!video.videoWidth) return;
    const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => {
      if (!blob) return;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `${this.figure.dataset.name || "frame"}-${video.currentTime.toFixed(2)}s.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      toast(word("frameSaved"), "success");
    }, "image/png");
  }

  follow() {
    this.draw();
    if (!this.video.paused) requestAnimationFrame(() => this.follow());
  }

  draw() {
    const { video } = this;
    const length = video.duration || 0;
    const share = (seconds) => `${length ? ((seconds / length) * 100).toFixed(2) : 0}%`;
    this.find("[data-player-time]").textContent = exact(video.currentTime);
    this.find(".player__played").setAttribute("width", share(video.currentTime));
    this.find(".player__unplayed").setAttribute("x", share(video.currentTime));
    this.find(".player__head").setAttribute("x", share(video.currentTime));
    const { buffered } = video;
    this.find(".player__buffered").setAttribute("width", share(buffered.length ? buffered.end(buffered.length - 1) : 0));
    this.scrub.value = video.currentTime;
    this.scrub.setAttribute("aria-valuetext", word("atTime", exact(video.currentTime), exact(length)));
    this.find("[data-player-speed]").textContent = `${video.playbackRate}×`;
    this.find('[data-player-do="loop"]').setAttribute("aria-pressed", String(video.loop));
    this.show("play", video.paused);
    this.show("pause", !video.paused);
    this.show("muted", video.muted);
    this.show("sound", !video.muted);
    this.name("play", word(video.paused ? "play" : "pause"));
    this.name("mute", word(video.muted ? "unmute" : "mute"));
  }

  show(icon, isShown) { this.find(`[data-player-icon="${icon}"]`).hidden = !isShown; }

  name(action, label) {
    const button = this.find(`[data-player-do="${action}"]`);
    if (button.getAttribute("aria-label") !== label) button.setAttribute("aria-label", label);
  }
}

let player = null;

function setUp() {
  const figure = document.querySelector("[data-player]");
  if (!figure || player?.figure === figure) return;
  if (figure.querySelector("video") && figure.querySelector("[data-player-controls]")) player = new Player(figure);
}

const isHere = () => Boolean(player?.figure.isConnected) && !player.controls.hidden;
const notOnButton = (event) => isHere() && (event.isSheet || !event.target.closest("button, a, summary, [role=tab]"));
bind([" ", "k"], "doPlay", () => player.play(), notOnButton);
bind(",", "doBackFrame", () => player.back(), isHere);
bind(".", "doForwardFrame", () => player.forward(), isHere);
bind("l", "doLoop", () => player.loop(), isHere);
bind("<", "doSlower", () => player.speed(-1), isHere);
bind(">", "doFaster", () => player.speed(1), isHere);
bind("m", "doMute", () => player.mute(), isHere);
bind("F", "doFullscreen", () => player.fullscreen(), isHere);

window.addEventListener("hashchange", () => isHere() && player.seekToAddress());
document.addEventListener("htmx:afterSettle", setUp);
document.addEventListener("htmx:oobAfterSwap", setUp);
setUp();
