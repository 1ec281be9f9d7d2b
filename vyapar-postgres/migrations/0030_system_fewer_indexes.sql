-- Indexes that every order paid for and hardly anybody used. What keeps failing is found by the
-- indexes of what recovery must look at, which are short; and nobody asks for the entries of no user.
-- What takes long comes first: dropping an index keeps everybody from its table until the end.
create index audit_logs_of_user on vyapar.audit_logs (user_id, id) where user_id is not null;
drop index vyapar.audit_logs_user;
alter index vyapar.audit_logs_of_user rename to audit_logs_user;
drop index vyapar.reservations_failing;
drop index vyapar.orders_failing;
-- Migration 0028 left it for batches under way.
drop function vyapar.take_levels(vyapar.reserve_level[], vyapar.reserve_line[]);
