#include "validation/gateway/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static void *map(int fd, size_t bytes) {
    int kind = fd < 0 ? MAP_ANONYMOUS : 0;
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE | kind, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void *mapped_new(const char *path, size_t bytes) {
    if (path == NULL)
        return map(-1, bytes);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return NULL;
    int failed = posix_fallocate(fd, 0, (off_t)bytes);
    void *memory = failed == 0 ? map(fd, bytes) : NULL;
    close(fd);
    errno = failed != 0 ? failed : errno;
    return memory;
}
