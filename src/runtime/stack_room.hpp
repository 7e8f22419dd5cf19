// How much of its stack a thread has left, for what recurses as deeply as its input wants it to.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>

namespace sluice::runtime {

/// Bytes of the calling thread's stack below the caller.
inline std::size_t stack_room() noexcept {
    thread_local const std::uintptr_t end = [] {
        void* lowest = nullptr;
        std::size_t size = 0;
        ::pthread_attr_t attributes;
        if (::pthread_getattr_np(::pthread_self(), &attributes) == 0) {
            ::pthread_attr_getstack(&attributes, &lowest, &size);
            ::pthread_attr_destroy(&attributes);
        }
        return reinterpret_cast<std::uintptr_t>(lowest);
    }();
    // Not the address of a variable: AddressSanitizer may keep those elsewhere.
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) - end;
}

}  // namespace sluice::runtime
