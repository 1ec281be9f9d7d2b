-- What a column may hold, as a rule of its type. A check of a table is read from its text again by
-- every statement that writes to the table; a type's is read once a session. With no rule yet, a
-- domain takes the place of its type without a rewrite of the table; the rules come afterwards.
create domain vyapar.order_status as varchar;
create domain vyapar.reservation_state as varchar;
create domain vyapar.movement_type as varchar;
create domain vyapar.stock as numeric(12, 3);
create domain vyapar.version as bigint;
create domain vyapar.attempt as integer;

alter table vyapar.orders
    drop constraint orders_status_check, drop constraint orders_version_check,
    alter column status type vyapar.order_status, alter column version type vyapar.version;
alter table vyapar.reservations
    drop constraint reservations_state_check, drop constraint reservations_attempt_check,
    alter column state type vyapar.reservation_state, alter column attempt type vyapar.attempt;
alter table vyapar.stock_movements
    drop constraint stock_movements_movement_type_check, alter column movement_type type vyapar.movement_type;
alter table vyapar.stock_levels
    drop constraint stock_levels_current_stock, drop constraint stock_levels_reserved_stock,
    alter column current_stock type vyapar.stock, alter column reserved_stock type vyapar.stock;

alter domain vyapar.order_status add check (value in
    ('placed', 'confirmed', 'preparing', 'ready', 'out_for_delivery', 'delivered', 'cancelled'));
alter domain vyapar.reservation_state add check (value in ('held', 'committed', 'dispatched', 'released'));
alter domain vyapar.movement_type add check (value in
    ('purchase', 'sale', 'return', 'adjustment', 'damage', 'expiry'));
alter domain vyapar.stock add check (value >= 0);
alter domain vyapar.version add check (value > 0);
alter domain vyapar.attempt add check (value > 0);

-- It tells apart what one transaction wrote, so sessions may take numbers ahead.
alter table vyapar.audit_logs alter column position set cache 32;
