// What libFuzzer offers to a mutator of one's own. The library itself comes with `-sanitize=fuzzer`.

#ifndef CLIBFUZZER_H
#define CLIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// Changes `size` bytes at `data`, in place, to at most `most` bytes, and returns how many they are then.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

#endif
