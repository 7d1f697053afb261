// Times are unix seconds; people see them in Asia/Shanghai, with the date.

import { current } from "./i18n.js";

const ZONE = "Asia/Shanghai";
const parts = (options) => new Intl.DateTimeFormat("en-CA", { timeZone: ZONE, hourCycle: "h23", ...options });
const DAY = parts({ year: "numeric", month: "2-digit", day: "2-digit" });
const CLOCK = parts({ hour: "2-digit", minute: "2-digit", second: "2-digit" });

let offset = 0;

/** How far the server's clock is ahead of ours. */
export function setServerTime(at) {
  offset = at - Date.now() / 1000;
}

export const now = () => Date.now() / 1000 + offset;
export const day = (at) => DAY.format(at * 1000);
export const clock = (at) => CLOCK.format(at * 1000);
/** 11-24 05:46:34: the date short, for lists. */
export const shortDayAndClock = (at) => `${day(at).slice(5)} ${clock(at)}`;
/** 11-24 05:46: for what is planned to the minute. */
export const shortDayAndMinute = (at) => shortDayAndClock(at).slice(0, -3);
export const dayAndClock = (at) => `${day(at)} ${clock(at)}`;

/** 75 → 1:15, 3675 → 1:01:15 */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value) => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** 13812341234 → 138 1234 1234: easier to read out. */
export function spaced(number) {
  return /^1\d{10}$/.test(number) ? `${number.slice(0, 3)} ${number.slice(3, 7)} ${number.slice(7)}` : number;
}

export function bytes(size) {
  return size < 1e6 ? `${Math.round(size / 1e3)} KB` : `${(size / 1e6).toFixed(1)} MB`;
}

/** "五马街" "OK now": no blanks between Chinese words. */
export function joinWords(before, word) {
  return /[\w]$/.test(before) && /^[\w]/.test(word) ? " " : "";
}

export const percent = (share) => Math.round(share * 100);
export const listComma = () => (current() === "zh" ? "、" : ", ");
