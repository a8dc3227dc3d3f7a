package dev.chromacompactor.chroma.hnsw;

/** Selection without sorting (Hoare's FIND). */
final class Quickselect {
    private Quickselect() {}

    /**
     * Moves the {@code count} smallest values between {@code from} and {@code to} to the front, the greatest of them to the place
     * {@code from + count − 1}.
     */
    static void smallest(long[] values, int from, int to, int count) {
        int target = from + count - 1;
        int low = from;
        int high = to - 1;
        while (low < high) {
            long pivot = median(values[low], values[(low + high) >>> 1], values[high]);
            int i = low;
            int j = high;
            while (i <= j) {
                while (values[i] < pivot) {
                    i++;
                }
                while (values[j] > pivot) {
                    j--;
                }
                if (i <= j) {
                    long swapped = values[i];
                    values[i++] = values[j];
                    values[j--] = swapped;
                }
            }
            if (target <= j) {
                high = j;
            } else if (target >= i) {
                low = i;
            } else {
                return;
            }
        }
    }

    private static long median(long a, long b, long c) {
        return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    }
}
