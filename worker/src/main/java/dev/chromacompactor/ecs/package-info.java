/** What a worker does differently as an ECS task: protect itself from scale-in while it works, and say which task it is. */
@NullMarked
package dev.chromacompactor.ecs;

import org.jspecify.annotations.NullMarked;
