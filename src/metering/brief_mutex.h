// A mutex for what is held for a microsecond or two: whoever finds it taken tries again for as long before it sleeps, since being
// woken takes ten times that.
#pragma once
#include <mutex>

namespace meridian::metering {

class BriefMutex {
public:
    void lock() {
        for (int tries = 0; tries < tries_max; ++tries) {
            if (mutex_.try_lock()) return;
            rest();
        }
        mutex_.lock();
    }
    void unlock() { mutex_.unlock(); }

private:
    static constexpr int tries_max = 100;
    // Leaves the core to its other thread, and the memory bus to whoever holds the mutex.
    static void rest() {
#if defined(__x86_64__)
        for (int i = 0; i < 4; ++i) __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("isb" ::: "memory");
#endif
    }

    std::mutex mutex_;
};

}  // namespace meridian::metering
