// The words of a product's life and of its stock.
#pragma once
#include "fleet/service.h"
#include "resource/fields.h"

namespace meridian::fleet {

constexpr auto names(As<Lifecycle>) {
    return words<Lifecycle>({{Lifecycle::announced, "announced"},
                             {Lifecycle::preview, "preview"},
                             {Lifecycle::public_beta, "public_beta"},
                             {Lifecycle::general_availability, "general_availability"},
                             {Lifecycle::end_of_new_features, "end_of_new_features"},
                             {Lifecycle::end_of_growth, "end_of_growth"},
                             {Lifecycle::end_of_deployment, "end_of_deployment"},
                             {Lifecycle::end_of_support, "end_of_support"},
                             {Lifecycle::end_of_sale, "end_of_sale"},
                             {Lifecycle::end_of_life, "end_of_life"},
                             {Lifecycle::retired, "retired"}});
}
constexpr auto names(As<Stock>) { return words<Stock>({{Stock::available, "available"}, {Stock::out_of_stock, "out_of_stock"}}); }

}  // namespace meridian::fleet
