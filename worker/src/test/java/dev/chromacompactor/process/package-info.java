/** The built program as processes: started, fed, killed and stopped as it is in production. */
@NullMarked
package dev.chromacompactor.process;

import org.jspecify.annotations.NullMarked;
