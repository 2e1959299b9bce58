// The words of a leaf, in which it is written and read.
#pragma once
#include "metering/service.h"
#include "resource/fields.h"

namespace meridian::metering {

constexpr auto names(As<Kind>) {
    return words<Kind>({{Kind::chat, "chat"},
                        {Kind::completion, "completion"},
                        {Kind::embedding, "embedding"},
                        {Kind::deployment_hour, "deployment_hour"},
                        {Kind::quantum_job, "quantum_job"},
                        {Kind::quantum_booking, "quantum_booking"},
                        {Kind::quantum_session, "quantum_session"}});
}
constexpr auto names(As<Outcome>) {
    return words<Outcome>({{Outcome::finished, "finished"},
                           {Outcome::cancelled, "cancelled"},
                           {Outcome::failed, "failed"},
                           {Outcome::interrupted, "interrupted"}});
}
constexpr auto names(As<EnergyBasis>) {
    return words<EnergyBasis>({{EnergyBasis::declared_watts, "declared_watts"}, {EnergyBasis::counter, "counter"}});
}

}  // namespace meridian::metering
