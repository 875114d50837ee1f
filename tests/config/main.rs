//! The configuration from outside: shipped files, exact faults, plans, schemas.

mod shipped;
