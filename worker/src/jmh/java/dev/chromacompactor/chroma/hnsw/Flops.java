package dev.chromacompactor.chroma.hnsw;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Floating-point operations done: JMH gives their rate. */
@State(Scope.Thread)
@AuxCounters
public class Flops {
    public long flops;
}
