// placeholder
#include "CFlush.h"
#include "cpu.h"
fl_probe_result fl_probe(void) { return (fl_probe_result){0}; }
