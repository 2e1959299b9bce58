// An immutable value that any thread reads without waiting, and that is replaced as a whole.
#pragma once
#include <atomic>
#include <memory>
#include <utility>

namespace meridian {

template <class T>
class Snapshot {
public:
    Snapshot() : value_(std::make_shared<const T>()) {}
    [[nodiscard]] std::shared_ptr<const T> current() const { return std::atomic_load(&value_); }
    void publish(std::shared_ptr<const T> next) { std::atomic_store(&value_, std::move(next)); }

private:
    // Through std::atomic_load: libstdc++ 12's atomic<shared_ptr> unlocks a reader without ordering, which TSan rightly tells.
    std::shared_ptr<const T> value_;
};

}  // namespace meridian
