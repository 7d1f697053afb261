// An interpreter or expert in a running talk: wanted, on its way, there.

import { h } from "./dom.js";
import { code, t } from "./i18n.js";
import { pill, seatWords, ticking } from "./parts.js";

/** Whether this reader may bring somebody into that call. */
export const mayThird = (store, call) => call.state === "talking" && (store.may("seats") || store.myCall()?.id === call.id);

export function thirdSection(store, call) {
  const { third } = call;
  const may = mayThird(store, call);
  if (!third) {
    return may && store.choices.third.length
      ? [h("p.quiet", {}, t("ui.third.lead")), h("div.buttons", {}, thirdButton(call))]
      : null;
  }
  const seat = third.seat ? store.seats.get(third.seat) : null;
  return h("div.third", { "data-state": third.state },
    h("p", {}, h("b", {}, code("skill", third.skill)), " ", pill("third.state", third.state), " ", seat ? seatWords(seat) : (third.seat ?? ""), " ", h("span.quiet", {}, ticking(third.since))),
    may ? h("div.buttons", {}, h("button", { "data-do": "drop-third", "data-id": call.id, "data-key": "drop-third" }, t(third.state === "joined" ? "ui.third.end" : "ui.third.drop"))) : null);
}

export const thirdButton = (call) => h("button", { "data-do": "want-third", "data-id": call.id, "data-key": "want-third" }, t("ui.third.ask"));
