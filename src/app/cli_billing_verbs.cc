// Verbs: bills, resource packs, prices.

#include <CLI/CLI.hpp>

#include "app/cli_verbs.h"

namespace fairlead::app {
namespace {

using cli::Desk;

void add_bills(Verbs& verbs) {
  CLI::App* bills = verbs.group("bills", "Bills, and how an account is billed");
  auto o = new_options();
  CLI::App* list = verbs.verb(bills, "list", "Issued bills, newest first", o,
                              [](Desk& desk, Options& x) { return cli::bill_list(desk, x.account, x.most); });
  list->add_option("--limit", o->most, "At most so many")->capture_default_str();
  verbs.for_account(list, o);
  o = new_options();
  CLI::App* show = verbs.verb(bills, "show", "One bill, itemised", o,
                              [](Desk& desk, Options& x) { return cli::bill_show(desk, x.name, x.check); });
  show->add_option("number", o->name, "Its number")->required();
  show->add_flag("--csv", o->check, "Its lines as CSV");
  o = new_options();
  CLI::App* check = verbs.verb(bills, "check", "Work a bill out again from usage; exit 1 when it comes out otherwise",
                               o, [](Desk& desk, Options& x) { return cli::bill_check(desk, x.name); });
  check->add_option("number", o->name, "Its number")->required();
  o = new_options();
  verbs.for_account(verbs.verb(bills, "running", "What is not issued yet, as far as it has come", o,
                               [](Desk& desk, Options& x) { return cli::bill_running(desk, x.account); }),
                    o);
  o = new_options();
  verbs.for_account(verbs.verb(bills, "method", "How the account is billed, and the change that is pending", o,
                               [](Desk& desk, Options& x) { return cli::billing_show(desk, x.account); }),
                    o);
  o = new_options();
  CLI::App* choose = verbs.verb(bills, "choose", "Choose the billing method", o, [](Desk& desk, Options& x) {
    return cli::billing_choose(desk, x.name, x.second, x.account);
  });
  choose->add_option("method", o->name, "By what")->required()->check(CLI::IsMember({"traffic", "bandwidth"}));
  choose->add_option("period", o->second, "Paid by the")->required()->check(CLI::IsMember({"day", "month"}));
  verbs.for_account(choose, o);
  o = new_options();
  verbs.for_account(verbs.verb(bills, "cancel", "Take the pending change of the billing method back", o,
                               [](Desk& desk, Options& x) { return cli::billing_cancel(desk, x.account); }),
                    o);
}

void add_packs(Verbs& verbs) {
  CLI::App* packs = verbs.group("packs", "Resource packs: traffic bought in advance");
  auto o = new_options();
  verbs.for_account(verbs.verb(packs, "list", "Resource packs, oldest first", o,
                               [](Desk& desk, Options& x) { return cli::pack_list(desk, x.account); }),
                    o);
  verbs.verb(packs, "products", "What can be bought", new_options(),
             [](Desk& desk, Options&) { return cli::pack_products(desk); });
  o = new_options();
  CLI::App* buy = verbs.verb(packs, "buy", "Buy a resource pack", o,
                             [](Desk& desk, Options& x) { return cli::pack_buy(desk, x.name, x.account); });
  buy->add_option("product", o->name, "The product's name or id")->required();
  verbs.for_account(buy, o);
  o = new_options();
  CLI::App* cancel = verbs.verb(packs, "cancel", "Operators: take an unused one back, and its price", o,
                                [](Desk& desk, Options& x) { return cli::pack_cancel(desk, x.name); });
  cancel->add_option("id", o->name, "Its id")->required();
  o = new_options();
  CLI::App* show = verbs.verb(packs, "show", "One resource pack", o,
                              [](Desk& desk, Options& x) { return cli::pack_show(desk, x.name); });
  show->add_option("id", o->name, "Its id")->required();
  o = new_options();
  CLI::App* ledger = verbs.verb(packs, "ledger", "Where a pack's bytes went; or the account's ledger, money too", o,
                                [](Desk& desk, Options& x) { return cli::pack_ledger(desk, x.name, x.account); });
  ledger->add_option("id", o->name, "Its id; default: the whole account");
  verbs.for_account(ledger, o);
  o = new_options();
  verbs.for_account(verbs.verb(packs, "forecast", "How long packs last when days go on like the last seven", o,
                               [](Desk& desk, Options& x) { return cli::pack_forecast(desk, x.account); }),
                    o);
  o = new_options();
  CLI::App* offer = verbs.verb(packs, "offer", "Operators: offer a resource pack", o,
                               [](Desk& desk, Options& x) { return cli::pack_offer(desk, x.pack); });
  offer->add_option("name", o->pack.name, "Its name")->required();
  offer->add_option("--bytes", o->pack.bytes, "How many")->required()->check(CLI::PositiveNumber);
  offer->add_option("--days", o->pack.validity_days, "How long it can be used, after the day of purchase")
      ->required()
      ->check(CLI::PositiveNumber);
  offer->add_option("--currency", o->pack.currency, "Three letters: USD")->required();
  offer->add_option("--price", o->pack.price_micro, "In millionths of the currency's unit")
      ->required()
      ->check(CLI::NonNegativeNumber);
  o = new_options();
  CLI::App* retire = verbs.verb(packs, "retire", "Operators: offer one no longer; packs that were bought stay", o,
                                [](Desk& desk, Options& x) { return cli::pack_retire(desk, x.name); });
  retire->add_option("product", o->name, "The product's name or id")->required();
}

void add_prices(Verbs& verbs) {
  CLI::App* prices = verbs.group("prices", "Price books");
  auto o = new_options();
  verbs.for_account(verbs.verb(prices, "list", "Price books, those for everybody first", o,
                               [](Desk& desk, Options& x) { return cli::price_list(desk, x.account); }),
                    o);
  o = new_options();
  CLI::App* show = verbs.verb(prices, "show", "One price book", o,
                              [](Desk& desk, Options& x) { return cli::price_show(desk, x.name); });
  show->add_option("id", o->name, "Its id")->required();
  o = new_options();
  CLI::App* set = verbs.verb(prices, "set", "Operators: new prices, for everybody or for one account", o,
                             [](Desk& desk, Options& x) { return cli::price_set(desk, x.file, x.account); });
  verbs.completes(set->add_option("file", o->file, "File with the price book, YAML or JSON"), "file")->required();
  verbs.for_account(set, o);
  o = new_options();
  CLI::App* remove = verbs.verb(prices, "delete", "Operators: take prices back that have not taken effect", o,
                                [](Desk& desk, Options& x) { return cli::price_delete(desk, x.name); });
  remove->add_option("id", o->name, "Its id")->required();
}

}  // namespace

void add_billing_verbs(Verbs& verbs) {
  add_bills(verbs);
  add_packs(verbs);
  add_prices(verbs);
}

}  // namespace fairlead::app
