/* The limit on connections, from the limit on descriptors. */
#include "models/workload/admission.h"

int64_t admission_connections_max(int64_t open_files, int64_t workers_count) {
    int64_t reserved =
        ADMISSION_RESERVED_FILES + workers_count * (int64_t)ADMISSION_RESERVED_FILES_PER_WORKER;
    return open_files > reserved ? open_files - reserved : 0;
}
